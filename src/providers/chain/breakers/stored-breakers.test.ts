import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../../tests/support/postgres-store.ts';
import { systemClock } from '../../../platform/clock.ts';
import { processInfo } from '../../../storage/contract/fixture.contract.ts';
import type { Store } from '../../../storage/port/index.ts';
import { createSqliteStore } from '../../../storage/sqlite/index.ts';
import type { FaultKind } from '../faults/provider-fault.ts';
import { createBreakerRegistry } from './breaker-registry.ts';
import { failuresMin } from './breaker-state.ts';
import { createStoredBreakers } from './stored-breakers.ts';

let database: TestDatabase;
let heartbeats: TestStore;
beforeAll(async () => {
  database = await createTestDatabase();
  heartbeats = await openPostgresStore(database.url);
  await heartbeats.processes.register(processInfo('proc_1'), 60_000);
});
afterAll(async () => {
  await heartbeats[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const quiet = { warn: () => {}, info: () => {} };
const fault = (kind: FaultKind, waitMs: number | null = null) => ({ kind, waitMs, status: null });
let made = 0;
/** A deployment of its own for each test. */
const newDeployment = () => {
  made += 1;
  return { id: `d${made}`, keyId: `k${made}`, provider: 'p', model: 'm' };
};

/** A process as far as providers matter: its standing, over a board on a store. */
async function startProcess(store: Store) {
  const board = createStoredBreakers({ store, clock: systemClock, log: quiet });
  const standing = createBreakerRegistry({ board, clock: systemClock, log: quiet });
  await board.start();
  return { ...standing, board };
}

/** Two processes on one database, for one test. */
async function startTwo() {
  const stores = await Promise.all([openPostgresStore(database.url), openPostgresStore(database.url)]);
  const [one, two] = await Promise.all(stores.map(startProcess));
  return {
    one: one as Awaited<ReturnType<typeof startProcess>>,
    two: two as Awaited<ReturnType<typeof startProcess>>,
    async [Symbol.asyncDispose]() {
      for (const each of [one, two]) await each?.board.stop(AbortSignal.timeout(10_000));
      for (const store of stores) await store[Symbol.asyncDispose]();
    },
  };
}

/** Waits until what is looked at is so. Meanwhile the database's steady time goes on, as with the heartbeats of a service. */
const until = (look: () => unknown) =>
  expect.poll(
    async () => {
      await heartbeats.processes.heartbeat('proc_1', 60_000);
      return look();
    },
    { timeout: 25_000, interval: 20 },
  );

describe('what one process learns about a provider', () => {
  test('the others know: a breaker that opens, and that closes again', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    for (let failure = 0; failure < failuresMin; failure += 1) one.failed(deployment, fault('server_error'));
    expect(one.stateOf(deployment)).toBe('open');
    await until(() => two.stateOf(deployment)).not.toBe('closed');
    await until(() => two.readiness(deployment).type).toBe('probe');
    await until(() => two.admit(deployment)).toBe(true);
    two.answered(deployment);
    expect(two.stateOf(deployment)).toBe('closed');
    await until(() => one.stateOf(deployment)).toBe('closed');
  });

  test('the others know: a pause that was asked for, and a key that is refused', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('rate_limited', 60_000));
    await until(() => two.readiness(deployment)).toMatchObject({ type: 'not_ready', why: 'paused' });
    const sameKey = { ...newDeployment(), keyId: deployment.keyId };
    expect(two.readiness(sameKey).type).toBe('ready'); // a pause is the deployment's
    one.failed(deployment, fault('credentials_refused'));
    await until(() => two.readiness(sameKey)).toMatchObject({ type: 'not_ready', why: 'circuit_open' });
  });

  test('is probed by one process of all at a time', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('model_not_found', 1));
    await until(() => [one, two].map((each) => each.readiness(deployment).type)).toEqual(['probe', 'probe']);
    let admitted: boolean[] = [];
    await until(async () => {
      admitted = await Promise.all([one.admit(deployment), two.admit(deployment)]);
      expect(admitted.filter(Boolean).length).toBeLessThanOrEqual(1);
      return admitted.some(Boolean);
    }).toBe(true);
    const [prober, other] = admitted[0] ? [one, two] : [two, one];
    expect(other.readiness(deployment).type).toBe('not_ready');
    prober.failed(deployment, fault('model_not_found'));
    await until(() => other.readiness(deployment)).toMatchObject({ type: 'not_ready', why: 'circuit_open' });
  });

  test('lets another process probe when the probe of the first came to nothing', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('model_not_found', 1));
    await until(() => one.readiness(deployment).type).toBe('probe');
    expect(await one.admit(deployment)).toBe(true);
    one.undecided(deployment);
    await until(() => two.readiness(deployment).type).toBe('probe');
    await until(() => two.admit(deployment)).toBe(true);
  });
});

test('a process whose store cannot be reached goes by what it knows itself', async () => {
  const store = await openPostgresStore(database.url);
  const { board, ...standing } = await startProcess(store);
  await store[Symbol.asyncDispose]();
  const deployment = newDeployment();
  standing.failed(deployment, fault('model_not_found', 1));
  await until(() => standing.readiness(deployment).type).toBe('probe');
  expect(await standing.admit(deployment)).toBe(true);
  standing.answered(deployment);
  expect(standing.readiness(deployment).type).toBe('ready');
  await board.stop(AbortSignal.timeout(10_000));
});

test('on the embedded store what was learned is known after a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-board-'));
  const deployment = newDeployment();
  const during = async (work: (standing: Awaited<ReturnType<typeof startProcess>>) => Promise<void>) => {
    const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
    await store.start();
    const started = await startProcess(store);
    await work(started);
    await started.board.stop(AbortSignal.timeout(10_000));
    await store.stop(AbortSignal.timeout(10_000));
  };
  try {
    await during(async (standing) => standing.failed(deployment, fault('quota_exhausted', 600_000)));
    let after: unknown;
    await during(async (standing) => {
      await until(() => standing.stateOf(deployment)).toBe('open');
      after = standing.readiness(deployment);
    });
    expect(after).toMatchObject({ type: 'not_ready', why: 'circuit_open' });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
