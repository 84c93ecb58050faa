import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { runProgram } from './child-processes.ts';
import { startCommand } from './command.ts';

const root = join(import.meta.dirname, '../..');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');

/** Whether a process still executes; one that waits for its parent to read how it ended does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1];
    return state?.[0] !== 'Z';
  } catch {
    return false;
  }
}

/** Runs the fixture, whose tests leave processes behind: one by its limit, one by passing. */
function runFixture({ timeoutMs, name }: { timeoutMs: number; name: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-leaks-'));
  const file = join(folder, 'pids');
  const command = startCommand(['run', '--config', 'tests/support/leaks/vitest.config.ts', '--testNamePattern', name], {
    program: [process.execPath, vitest],
    cwd: root,
    env: {
      SKIP_BUILD: '1',
      TEST_DATABASE_URL: inject('postgresAdminUrl'),
      LEAKS_FILE: file,
      LEAKS_TIMEOUT_MS: String(timeoutMs),
    },
  });
  const changed = Promise.withResolvers<void>();
  const isStarted = () => pids().includes(0);
  const watcher = watch(folder, () => isStarted() && changed.resolve());
  function pids(): number[] {
    try {
      return (readFileSync(file, 'utf8').match(/\d+/g) ?? []).map(Number);
    } catch {
      return []; // nothing has started yet
    }
  }
  return {
    command,
    /** Resolves when the processes of the test that times out have started. */
    started: () =>
      Promise.race([changed.promise, command.closed.then(() => Promise.reject(new Error(command.output())))]),
    /** The processes that the tests started, and the worker of vitest that ran them. */
    pids: () => pids().filter((pid) => pid > 0),
    async [Symbol.asyncDispose]() {
      watcher.close();
      await command[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Resolves when none of these processes runs any more. */
async function allEnded(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
}

test('a test that times out ends the service, the provider and the Postgres that it started', async () => {
  await using fixture = runFixture({ timeoutMs: 200, name: 'times out' });
  expect(await fixture.command.closed).toBe(1);
  expect(fixture.command.output()).toMatch(/Test timed out in 200ms/);
  expect(fixture.command.output()).not.toMatch(/left processes running/);
  expect(fixture.pids().length).toBeGreaterThanOrEqual(5);
  expect(fixture.pids().filter(isRunning)).toEqual([]);
});

test('a process that is left by a test that passed is ended, and fails its file by name', async () => {
  await using fixture = runFixture({ timeoutMs: 200, name: 'leaves a process' });
  expect(await fixture.command.closed).toBe(1);
  expect(fixture.command.output()).toMatch(/left processes running[\s\S]*fake-provider\/main\.ts/);
  expect(fixture.pids()).toHaveLength(1);
  expect(fixture.pids().filter(isRunning)).toEqual([]);
});

test('vitest that is killed by SIGKILL leaves no process of its tests', async () => {
  await using fixture = runFixture({ timeoutMs: 600_000, name: 'times out' });
  await fixture.started();
  const pids = fixture.pids();
  expect(pids.length).toBeGreaterThanOrEqual(5);
  expect(pids.filter((pid) => !isRunning(pid))).toEqual([]);
  fixture.command.kill('SIGKILL');
  await allEnded(pids);
  expect(await fixture.command.closed).toBe('SIGKILL');
});

test('a worker of vitest that is killed by SIGKILL leaves no process of its tests', async () => {
  await using fixture = runFixture({ timeoutMs: 600_000, name: 'times out' });
  await fixture.started();
  const pids = fixture.pids();
  expect(pids.length).toBeGreaterThanOrEqual(5);
  process.kill(pids.at(-1) as number, 'SIGKILL');
  await allEnded(pids);
  expect(await fixture.command.closed).toBe(1);
});

test('a program that takes too long is killed with all that it has started, and the error says so', async () => {
  const script = 'sleep 600 & echo $!; wait';
  const ended = await runProgram('sh', ['-c', script], { timeoutMs: 3_000 }).catch((error: unknown) => error);
  expect(ended).toMatchObject({ message: expect.stringContaining('was ended after 3 s') });
  expect(isRunning(Number((ended as { stdout: string }).stdout))).toBe(false);
});

test('what a program prints is given on as it is printed', async () => {
  const pieces: string[] = [];
  await runProgram('sh', ['-c', 'echo out; echo err >&2'], { onOutput: (text) => pieces.push(text) });
  expect(pieces.sort()).toEqual(['err\n', 'out\n']);
});
