export { type CheckEntry, checkTable } from './checks.ts';
export type { DiskFacts } from './disk.ts';
export type { Integrity } from './embedded.ts';
export { examine, type Inspectors } from './examination.ts';
export { exitCodeOf, exitCodes, jsonReport, textReport, withoutSecrets } from './report.ts';
export { checkRunningService } from './running-service.ts';
