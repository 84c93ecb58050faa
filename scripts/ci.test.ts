import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

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
  /** What vitest reports; null: it ended without a report. */
  report?: Report | null;
  testsExit?: number;
  /** The same of the tests of the image. */
  imageReport?: Report | null;
  imageExit?: number;
};

const textOf = (report: Report | null) => (report === null ? '' : JSON.stringify(reportOf(report)));

/** Runs .ci/run in a folder of its own, with an npm that only notes what it was asked for. */
async function runCi(play: Play) {
  const { failing = [], report = { numPassedTests: 3 }, testsExit = 0, imageReport = {}, imageExit = 0 } = play;
  const folder = await mkdtemp(join(tmpdir(), 'ci-'));
  folders.push(folder);
  await cp(join(root, '.ci'), join(folder, '.ci'), { recursive: true });
  await writeFile(join(folder, 'report.json'), textOf(report));
  await writeFile(join(folder, 'image.json'), textOf(imageReport));
  const npm = `#!${process.execPath}
    const { appendFileSync, copyFileSync, statSync } = require('node:fs');
    const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
    appendFileSync('asked.txt', words.join(' ') + ' CI=' + process.env.CI + '\\n');
    const isImage = words[1] === 'test:image';
    if (words[0] === 'test' || isImage) {
      const source = isImage ? 'image.json' : 'report.json';
      const target = process.argv.find((word) => word.startsWith('--outputFile.json=')).split('=')[1];
      if (statSync(source).size > 0) copyFileSync(source, target);
      process.exit(isImage ? ${imageExit} : ${testsExit});
    }
    process.exit(${JSON.stringify(failing)}.includes(words.join(' ')) ? 1 : 0);
  `;
  await writeFile(join(folder, 'npm'), npm);
  // Where one of these is missing it would be installed; python3 would install another.
  const others = ['haproxy', 'pgbouncer', 'pip3', 'buildah', 'mmdebstrap', 'promtool', 'python3'];
  for (const program of others) await writeFile(join(folder, program), '');
  for (const program of ['npm', ...others]) await chmod(join(folder, program), 0o755);
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
  test('installs, checks, builds, tests, and ends with the count of tests', async () => {
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
      'test',
      'run test:image',
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
    expect(asked).toHaveLength(10);
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

  test('counts the tests of the image too, and fails when one of them did, or they could not begin', async () => {
    const both = await runCi({ imageReport: { numPassedTests: 4, numPendingTests: 1 } });
    expect([both.lines.at(-1), both.status]).toEqual(['7 passed, 0 failed, 1 skipped', 0]);
    const failed = await runCi({ imageReport: { numPassedTests: 4, numFailedTests: 1 }, imageExit: 1 });
    expect([failed.lines.at(-1), failed.status]).toEqual(['7 passed, 1 failed', 1]);
    const unstarted = await runCi({ imageReport: null, imageExit: 1 });
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
