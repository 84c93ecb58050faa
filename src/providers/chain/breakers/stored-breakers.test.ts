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

/** The part of a process that these tests need: its breakers, shared over a store. */
async function startProcess(store: Store) {
  const sharedBreakers = createStoredBreakers({ store, clock: systemClock, log: quiet });
  const breakers = createBreakerRegistry({ sharedBreakers, clock: systemClock, log: quiet });
  await sharedBreakers.start();
  return { ...breakers, sharedBreakers };
}

/** Two processes on one database, for one test. */
async function startTwo() {
  const stores = await Promise.all([openPostgresStore(database.url), openPostgresStore(database.url)]);
  const [one, two] = await Promise.all(stores.map(startProcess));
  return {
    one: one as Awaited<ReturnType<typeof startProcess>>,
    two: two as Awaited<ReturnType<typeof startProcess>>,
    async [Symbol.asyncDispose]() {
      for (const each of [one, two]) await each?.sharedBreakers.stop(AbortSignal.timeout(10_000));
      for (const store of stores) await store[Symbol.asyncDispose]();
    },
  };
}

/** Polls until the expectation holds. Meanwhile heartbeats advance the database's steady time, as a service does. */
const until = (read: () => unknown) =>
  expect.poll(
    async () => {
      await heartbeats.processes.heartbeat('proc_1', 60_000);
      return read();
    },
    { timeout: 25_000, interval: 20 },
  );

describe('what one process learns about a provider', () => {
  test('is known to the others: a breaker that opens, and that closes again', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    for (let failure = 0; failure < failuresMin; failure += 1) one.failed(deployment, fault('server_error'));
    expect(one.stateOf(deployment)).toBe('open');
    await until(() => two.stateOf(deployment)).not.toBe('closed');
    await until(() => two.availability(deployment).type).toBe('probe');
    await until(() => two.claimProbe(deployment)).toBe(true);
    two.succeeded(deployment);
    expect(two.stateOf(deployment)).toBe('closed');
    await until(() => one.stateOf(deployment)).toBe('closed');
  });

  test('is known to the others: a pause that was asked for, and a key that is refused', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('rate_limited', 60_000));
    await until(() => two.availability(deployment)).toMatchObject({ type: 'unavailable', reason: 'paused' });
    const sameKey = { ...newDeployment(), keyId: deployment.keyId };
    expect(two.availability(sameKey).type).toBe('available'); // a pause applies to the deployment, not to its key
    one.failed(deployment, fault('credentials_refused'));
    await until(() => two.availability(sameKey)).toMatchObject({ type: 'unavailable', reason: 'circuit_open' });
  });

  test('is probed by one process of all at a time', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('model_not_found', 1));
    await until(() => [one, two].map((each) => each.availability(deployment).type)).toEqual(['probe', 'probe']);
    let claimed: boolean[] = [];
    await until(async () => {
      claimed = await Promise.all([one.claimProbe(deployment), two.claimProbe(deployment)]);
      expect(claimed.filter(Boolean).length).toBeLessThanOrEqual(1);
      return claimed.some(Boolean);
    }).toBe(true);
    const [prober, other] = claimed[0] ? [one, two] : [two, one];
    expect(other.availability(deployment).type).toBe('unavailable');
    prober.failed(deployment, fault('model_not_found'));
    await until(() => other.availability(deployment)).toMatchObject({ type: 'unavailable', reason: 'circuit_open' });
  });

  test('lets another process probe when the probe of the first ended without a result', async () => {
    await using processes = await startTwo();
    const { one, two } = processes;
    const deployment = newDeployment();
    one.failed(deployment, fault('model_not_found', 1));
    await until(() => one.availability(deployment).type).toBe('probe');
    expect(await one.claimProbe(deployment)).toBe(true);
    one.inconclusive(deployment);
    await until(() => two.availability(deployment).type).toBe('probe');
    await until(() => two.claimProbe(deployment)).toBe(true);
  });
});

test('a process whose store cannot be reached uses what it knows itself', async () => {
  const store = await openPostgresStore(database.url);
  const { sharedBreakers, ...breakers } = await startProcess(store);
  await store[Symbol.asyncDispose]();
  const deployment = newDeployment();
  breakers.failed(deployment, fault('model_not_found', 1));
  await until(() => breakers.availability(deployment).type).toBe('probe');
  expect(await breakers.claimProbe(deployment)).toBe(true);
  breakers.succeeded(deployment);
  expect(breakers.availability(deployment).type).toBe('available');
  await sharedBreakers.stop(AbortSignal.timeout(10_000));
});

test('on the embedded store what was learned is known after a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-breakers-'));
  const deployment = newDeployment();
  const during = async (work: (breakers: Awaited<ReturnType<typeof startProcess>>) => Promise<void>) => {
    const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
    await store.start();
    const started = await startProcess(store);
    await work(started);
    await started.sharedBreakers.stop(AbortSignal.timeout(10_000));
    await store.stop(AbortSignal.timeout(10_000));
  };
  try {
    await during(async (breakers) => breakers.failed(deployment, fault('quota_exhausted', 600_000)));
    let after: unknown;
    await during(async (breakers) => {
      await until(() => breakers.stateOf(deployment)).toBe('open');
      after = breakers.availability(deployment);
    });
    expect(after).toMatchObject({ type: 'unavailable', reason: 'circuit_open' });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
