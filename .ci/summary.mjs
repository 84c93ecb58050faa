// Prints the closing line of all test runs, `N passed, N failed[, N skipped]`, from vitest's JSON reports.
// Usage: node .ci/summary.mjs (<report> <exit code of the tests>)... Ends with 1 if anything failed.
import { readFileSync } from 'node:fs';

/** A report; if the run ended before it wrote one, that is its one failure. */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}

/** What a run comes to. */
function countsOf(path, exitCode) {
  const report = readReport(path);
  // A file that could not even be loaded, or failed outside of its tests, has no failed test; it counts as one.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((each) => each.status === 'failed'),
  );
  const counted = report.numFailedTests + brokenFiles.length;
  return {
    passed: report.numPassedTests,
    // So does a run that failed for any other reason, such as an error that nobody caught.
    failed: counted === 0 && exitCode !== '0' ? 1 : counted,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (let index = 2; index < process.argv.length; index += 2) {
  const counts = countsOf(process.argv[index], process.argv[index + 1]);
  for (const name of Object.keys(total)) total[name] += counts[name];
}
const { passed, failed, skipped } = total;
process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
process.exitCode = failed === 0 ? 0 : 1;
