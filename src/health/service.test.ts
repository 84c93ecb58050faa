import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { type Check, createHealth } from './service.ts';

const healthy: Check = async () => null;

/** A health service whose checks a test can replace at any time, with the number of calls of each check. */
function createTestHealth({ providerDown = 'degraded' as 'degraded' | 'fail', hasProvider = true } = {}) {
  const clock = createFakeClock();
  const checks = { provider: healthy, store: healthy };
  const calls = { provider: 0, store: 0 };
  const check =
    (name: 'provider' | 'store'): Check =>
    (signal) => {
      calls[name] += 1;
      return checks[name](signal);
    };
  const health = createHealth({
    provider: hasProvider ? check('provider') : null,
    store: check('store'),
    timeoutMs: 5_000,
    providerDown,
    clock,
  });
  /** Probes once a second, as Kubernetes may, and returns the answer to the last probe. */
  async function probeFor(durationMs: number) {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 1_000) {
      health.readiness();
      await clock.advance(1_000);
    }
    return health.readiness();
  }
  return { health, clock, checks, calls, probeFor };
}

const providerUnreachable: Check = () => Promise.reject(new Error('the model provider cannot be reached'));
const storeUnreachable: Check = () => Promise.reject(new Error('connect ECONNREFUSED'));

describe('the phases of a process', () => {
  test('a process is not ready before it serves and once it drains, and ready in between', () => {
    const { health } = createTestHealth();
    expect(health.readiness()).toEqual({ state: 'not_ready', reason: 'starting' });
    health.serving();
    expect(health.readiness()).toEqual({ state: 'ready' });
    expect(health.isDraining()).toBe(false);
    health.draining();
    expect(health.readiness()).toEqual({ state: 'not_ready', reason: 'draining' });
    expect(health.isDraining()).toBe(true);
  });

  test('no dependency is checked before the process serves', () => {
    const { health, calls } = createTestHealth();
    health.readiness();
    expect(calls).toEqual({ provider: 0, store: 0 });
    health.serving();
    expect(calls).toEqual({ provider: 1, store: 1 });
  });

  test('without a provider to check, as with the simulated model, the process is ready', async () => {
    const { health, probeFor } = createTestHealth({ hasProvider: false });
    health.serving();
    expect(await probeFor(10_000)).toEqual({ state: 'ready' });
  });
});

describe('a probe', () => {
  test('never waits: during the first check the process is ready', () => {
    const { health, checks } = createTestHealth();
    checks.provider = () => new Promise(() => {});
    health.serving();
    expect(health.readiness()).toEqual({ state: 'ready' });
  });

  test('refreshes stale results by one check at a time, however many probes there are', async () => {
    const { health, clock, checks, calls } = createTestHealth();
    const answer = Promise.withResolvers<null>();
    checks.provider = () => answer.promise;
    health.serving();
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    await clock.advance(60_000);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(calls.provider).toBe(1);
    answer.resolve(null);
    await clock.advance(0);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(calls.provider).toBe(1); // the result is fresh
    await clock.advance(5_000);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(calls.provider).toBe(2);
  });

  test('gives the check a signal with a timeout', () => {
    const { health, checks } = createTestHealth();
    const given: AbortSignal[] = [];
    checks.provider = async (signal) => {
      given.push(signal);
      return null;
    };
    health.serving();
    expect(given).toEqual([expect.any(AbortSignal)]);
  });
});

describe('a provider', () => {
  test.each(['degraded', 'fail'] as const)(
    'that answers with an error makes the process degraded (READYZ_PROVIDER_DOWN=%s)',
    async (providerDown) => {
      const { health, checks, clock } = createTestHealth({ providerDown });
      checks.provider = async () => 'the model provider returned status 401';
      health.serving();
      await clock.advance(0);
      expect(health.readiness()).toEqual({ state: 'degraded', reason: 'the model provider returned status 401' });
    },
  );

  test.each([
    { providerDown: 'degraded', state: 'degraded' },
    { providerDown: 'fail', state: 'not_ready' },
  ] as const)(
    'that cannot be reached makes the process $state with READYZ_PROVIDER_DOWN=$providerDown',
    async (row) => {
      const { health, checks, clock } = createTestHealth({ providerDown: row.providerDown });
      checks.provider = providerUnreachable;
      health.serving();
      await clock.advance(0);
      expect(health.readiness()).toEqual({ state: row.state, reason: 'the model provider cannot be reached' });
    },
  );

  test('that is reachable again makes the process ready again', async () => {
    const { health, checks, probeFor } = createTestHealth({ providerDown: 'fail' });
    checks.provider = providerUnreachable;
    health.serving();
    expect(await probeFor(2_000)).toMatchObject({ state: 'not_ready' });
    checks.provider = healthy;
    expect(await probeFor(6_000)).toEqual({ state: 'ready' });
  });
});

describe('a store', () => {
  test('that is unreachable for a moment leaves the process ready', async () => {
    const { health, checks, probeFor } = createTestHealth();
    checks.store = storeUnreachable;
    health.serving();
    expect(await probeFor(12_000)).toEqual({ state: 'ready' });
    checks.store = healthy;
    expect(await probeFor(60_000)).toEqual({ state: 'ready' });
  });

  test('that is unreachable for long makes it not ready, with a reason that names no address', async () => {
    const { health, checks, probeFor } = createTestHealth();
    checks.store = storeUnreachable;
    health.serving();
    expect(await probeFor(30_000)).toEqual({ state: 'not_ready', reason: 'the store cannot be reached' });
    checks.store = healthy;
    expect(await probeFor(6_000)).toEqual({ state: 'ready' });
  });

  test('that was unreachable at the last check long ago does not count as unreachable since then', async () => {
    const { health, clock, checks } = createTestHealth();
    checks.store = storeUnreachable;
    health.serving();
    await clock.advance(0);
    checks.store = healthy;
    await clock.advance(600_000);
    expect(health.readiness()).toEqual({ state: 'ready' });
  });

  test('takes precedence over the provider', async () => {
    const { health, checks, probeFor } = createTestHealth();
    checks.store = storeUnreachable;
    checks.provider = providerUnreachable;
    health.serving();
    expect(await probeFor(30_000)).toEqual({ state: 'not_ready', reason: 'the store cannot be reached' });
  });
});
