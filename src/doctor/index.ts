export { type CheckEntry, checkTable } from './checks.ts';
export type { DiskFacts } from './disk.ts';
export type { Integrity } from './embedded.ts';
export { type Finding, failed } from './finding.ts';
export { exitCodeOf, exitCodes, jsonReport, textReport, withoutSecrets } from './report.ts';
export { type FactCollectors, runChecks } from './run-checks.ts';
export { checkRunningService } from './running-service.ts';
