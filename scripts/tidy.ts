import { join } from 'node:path';
import { staleFiles } from './generate.ts';
import { deadFiles } from './tidy/dead-files.ts';
import { type Finding, type Project, type Rule, readProject } from './tidy/project.ts';
import { consoleCalls, environment, longFunctions, moduleState, undocumentedExports } from './tidy/source-rules.ts';
import {
  duplicateTestNames,
  skippedTests,
  sleeps,
  testsWithoutAssertion,
  timedAssertions,
  unregisteredProcesses,
} from './tidy/test-rules.ts';
import { leftovers, lockFile, longFiles, machinePaths, registryHosts } from './tidy/text-rules.ts';

/** A generated file that differs from what its generator makes. */
const staleGenerated: Rule = ({ root }) =>
  staleFiles(root).map(({ path }) => ({
    path,
    line: 1,
    rule: 'stale',
    message: 'not what its generator makes: run npm run generate',
  }));

const rules: readonly Rule[] = [
  sleeps,
  timedAssertions,
  unregisteredProcesses,
  skippedTests,
  duplicateTestNames,
  testsWithoutAssertion,
  undocumentedExports,
  moduleState,
  environment,
  consoleCalls,
  longFunctions,
  deadFiles,
  longFiles,
  leftovers,
  registryHosts,
  machinePaths,
  lockFile,
  staleGenerated,
];

/** What linters cannot say: looks at a project by every rule; findings in the order of files and lines. */
export function tidy(project: Project): Finding[] {
  return rules
    .flatMap((rule) => rule(project))
    .sort((one, other) => one.path.localeCompare(other.path) || one.line - other.line);
}

/** Prints every finding as `path:line  rule: what to do`, or how many files were looked at; ends with 1 if there are any. */
function main(root: string): void {
  const project = readProject(root);
  const findings = tidy(project);
  for (const { path, line, rule, message } of findings) process.stdout.write(`${path}:${line}  ${rule}: ${message}\n`);
  process.stdout.write(`tidy: ${project.files.length} files, ${findings.length} findings\n`);
  if (findings.length > 0) process.exitCode = 1;
}

if (import.meta.main) main(process.argv[2] ?? join(import.meta.dirname, '..'));
