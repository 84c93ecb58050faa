// Prints the closing line of a test run, `N passed, N failed[, N skipped]`, from vitest's JSON report.
// Usage: node .ci/summary.mjs <report> <exit code of the tests>. Ends with 1 if anything failed.
import { readFileSync } from 'node:fs';

const [path, exitCode] = process.argv.slice(2);

/** The report; if the run ended before it wrote one, that is its one failure. */
function readReport() {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}

const report = readReport();
// A file that could not even be loaded, or failed outside of its tests, has no failed test; it counts as one.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((each) => each.status === 'failed'),
);
const counted = report.numFailedTests + brokenFiles.length;
// So does a run that failed for any other reason, such as an error that nobody caught.
const failed = counted === 0 && exitCode !== '0' ? 1 : counted;
const skipped = report.numPendingTests + report.numTodoTests;

process.stdout.write(
  `${report.numPassedTests} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
