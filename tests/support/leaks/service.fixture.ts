import { appendFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startFakeProvider } from '../fake-provider.ts';
import { startPostgresServer } from '../postgres-server.ts';
import { startService } from '../service.ts';

/** Adds a process to the file that the test of this fixture reads. */
const report = (pid: number) => appendFileSync(process.env.LEAKS_FILE ?? '', `${pid}\n`);
const never = new Promise<never>(() => {});

/** Starts a service of two worker processes, a provider and a Postgres, and reports all of them and this process. */
async function startAll(): Promise<AsyncDisposable> {
  const provider = await startFakeProvider();
  const postgres = await startPostgresServer();
  const service = await startService({ provider, env: { WEB_CONCURRENCY: '2', DATABASE_URL: postgres.url } });
  const workers = service.logLines().flatMap(({ worker, pid }) => (worker === undefined ? [] : [Number(pid)]));
  for (const pid of new Set([provider.pid, service.pid, ...workers, postgres.pid, process.pid])) report(pid);
  return {
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      postgres.remove();
      await provider[Symbol.asyncDispose]();
    },
  };
}

describe('a test with processes', () => {
  let all: AsyncDisposable;
  // Not in the test: its limit is short, however long a start takes on a busy machine.
  beforeAll(async () => {
    all = await startAll();
    report(0); // all are there
  });

  test('times out', { timeout: Number(process.env.LEAKS_TIMEOUT_MS) }, async () => {
    await using _processes = all;
    await never;
  });
});

test('passes, and leaves a process', async () => {
  const provider = await startFakeProvider();
  report(provider.pid);
  expect(provider.pid).toBeGreaterThan(0);
});
