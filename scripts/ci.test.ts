import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { suites } from '../tests/support/suites.ts';

const root = join(import.meta.dirname, '..');

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

type Report = Partial<Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number>> & {
  testResults?: { status: string; assertionResults: { status: string }[] }[];
};
const reportOf = (report: Report) => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...report,
});

type Play = {
  /** The npm commands that fail, such as `run lint`. */
  failing?: string[];
  /** What vitest reports of the suite `core`; null: it ended without a report. */
  report?: Report | null;
  testsExit?: number;
  /** The same of other suites. They have no test where nothing is said of them. */
  others?: Partial<Record<string, { report?: Report | null; exit?: number }>>;
};

const textOf = (report: Report | null) => (report === null ? '' : JSON.stringify(reportOf(report)));

/** Runs .ci/run in a folder of its own, with an npm that only notes what it was asked for. */
async function runCi(play: Play) {
  const { failing = [], report = { numPassedTests: 3 }, testsExit = 0, others = {} } = play;
  const exits: Record<string, number> = {};
  const folder = await mkdtemp(join(tmpdir(), 'ci-'));
  folders.push(folder);
  await cp(join(root, '.ci'), join(folder, '.ci'), { recursive: true });
  const played: Play['others'] = { ...others, core: { report, exit: testsExit } };
  for (const suite of Object.keys(suites)) {
    const { report: reported = {}, exit = 0 } = played[suite] ?? {};
    await writeFile(join(folder, `${suite}.json`), textOf(reported));
    exits[suite] = exit;
  }
  const npm = `#!${process.execPath}
    const { appendFileSync, copyFileSync, statSync } = require('node:fs');
    const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
    appendFileSync('asked.txt', words.join(' ') + ' CI=' + process.env.CI + '\\n');
    const suite = words[0] === 'test' ? 'core' : /^test:(.*)/.exec(words[1] ?? '')?.[1];
    if (suite !== undefined) {
      const target = process.argv.find((word) => word.startsWith('--outputFile.json=')).split('=')[1];
      if (statSync(suite + '.json').size > 0) copyFileSync(suite + '.json', target);
      process.exit(${JSON.stringify(exits)}[suite]);
    }
    process.exit(${JSON.stringify(failing)}.includes(words.join(' ')) ? 1 : 0);
  `;
  await writeFile(join(folder, 'npm'), npm);
  // Where one of these is missing it would be installed; python3 would install another.
  const programs = ['haproxy', 'pgbouncer', 'pip3', 'buildah', 'mmdebstrap', 'promtool', 'python3'];
  for (const program of programs) await writeFile(join(folder, program), '');
  for (const program of ['npm', ...programs]) await chmod(join(folder, program), 0o755);
  const ended: SpawnSyncReturns<string> = spawnSync(join(folder, '.ci/run'), {
    encoding: 'utf8',
    env: { PATH: [folder, dirname(process.execPath), process.env.PATH].join(delimiter), TMPDIR: folder },
  });
  return {
    status: ended.status,
    lines: ended.stdout.trimEnd().split('\n'),
    asked: (await readFile(join(folder, 'asked.txt'), 'utf8')).trimEnd().split('\n'),
  };
}

describe('the CI run', () => {
  test('installs, checks, builds, runs every suite of tests, and ends with the count of tests', async () => {
    const { status, lines, asked } = await runCi({});
    const commands = [
      'ci',
      'audit',
      'run chart:tools',
      'run lint',
      'run typecheck',
      'run layers',
      'run tidy',
      'run build',
      ...Object.keys(suites).map((suite) => (suite === 'core' ? 'test' : `run test:${suite}`)),
    ];
    expect(asked).toEqual(commands.map((command) => `${command} CI=true`));
    expect(lines.at(-1)).toBe('3 passed, 0 failed');
    expect(status).toBe(0);
  });

  test('fails when a test failed', async () => {
    const { status, lines } = await runCi({ report: { numPassedTests: 3, numFailedTests: 2 }, testsExit: 1 });
    expect(lines.at(-1)).toBe('3 passed, 2 failed');
    expect(status).toBe(1);
  });

  test('fails when a check failed, says which, and still counts the tests last', async () => {
    const { status, lines, asked } = await runCi({ failing: ['run layers', 'run build'] });
    expect(asked).toHaveLength(8 + Object.keys(suites).length);
    expect(lines.slice(-3)).toEqual([
      'ci: layers failed, see above',
      'ci: build failed, see above',
      '3 passed, 0 failed',
    ]);
    expect(status).toBe(1);
  });

  test('ends at once when the packages cannot be installed', async () => {
    const { status, lines, asked } = await runCi({ failing: ['ci'] });
    expect(asked).toEqual(['ci CI=true']);
    expect(lines.at(-1)).toBe('ci: npm ci failed; nothing else ran');
    expect(status).toBe(1);
  });

  test('names skipped tests where there are any', async () => {
    const { status, lines } = await runCi({ report: { numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 } });
    expect(lines.at(-1)).toBe('3 passed, 0 failed, 2 skipped');
    expect(status).toBe(0);
  });

  test('sums the tests of all suites', async () => {
    const others = Object.fromEntries(
      Object.keys(suites).map((suite) => [suite, { report: { numPassedTests: 4, numPendingTests: 1 } }]),
    );
    const { status, lines } = await runCi({ others });
    const count = Object.keys(others).length - 1; // the suite `core` has 3 tests
    expect(lines.at(-1)).toBe(`${3 + 4 * count} passed, 0 failed, ${count} skipped`);
    expect(status).toBe(0);
  });

  test('fails when a test of another suite failed, and when a suite could not start', async () => {
    const names = Object.keys(suites).filter((suite) => suite !== 'core');
    const others = (each: { report: Report | null; exit: number }) =>
      Object.fromEntries(names.map((suite) => [suite, each]));
    const failed = await runCi({ others: others({ report: { numPassedTests: 4, numFailedTests: 1 }, exit: 1 }) });
    expect(failed.lines.at(-1)).toBe(`${3 + 4 * names.length} passed, ${names.length} failed`);
    expect(failed.status).toBe(1);
    const unstarted = await runCi({ others: { image: { report: null, exit: 1 } } });
    expect([unstarted.lines.at(-1), unstarted.status]).toEqual(['3 passed, 1 failed', 1]);
  });

  test('counts a test file that could not be loaded as one failure', async () => {
    const { status, lines } = await runCi({
      report: {
        numPassedTests: 3,
        numFailedTests: 1,
        testResults: [
          { status: 'failed', assertionResults: [] },
          { status: 'failed', assertionResults: [{ status: 'failed' }] },
          { status: 'passed', assertionResults: [] },
        ],
      },
      testsExit: 1,
    });
    expect(lines.at(-1)).toBe('3 passed, 2 failed');
    expect(status).toBe(1);
  });

  test('counts a run that failed with no test failed as one failure, also without a report', async () => {
    const uncaught = await runCi({ testsExit: 1 });
    expect(uncaught).toMatchObject({ status: 1 });
    expect(uncaught.lines.at(-1)).toBe('3 passed, 1 failed');
    for (const testsExit of [0, 134]) {
      const ended = await runCi({ report: null, testsExit });
      expect(ended).toMatchObject({ status: 1 });
      expect(ended.lines.at(-1)).toBe('0 passed, 1 failed');
    }
  });
});
