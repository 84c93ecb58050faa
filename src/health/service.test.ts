import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { type Check, createHealth } from './service.ts';

const well: Check = async () => null;

/** Health whose checks a test decides anew at any time; it counts how often they look. */
function createWatched({ providerDown = 'degraded' as 'degraded' | 'fail', hasProvider = true } = {}) {
  const clock = createFakeClock();
  const checks = { provider: well, store: well };
  const looks = { provider: 0, store: 0 };
  const check =
    (name: 'provider' | 'store'): Check =>
    (signal) => {
      looks[name] += 1;
      return checks[name](signal);
    };
  const health = createHealth({
    provider: hasProvider ? check('provider') : null,
    store: check('store'),
    timeoutMs: 5_000,
    providerDown,
    clock,
  });
  /** Probes once a second, as Kubernetes may, and gives what the last probe was told. */
  async function probeFor(durationMs: number) {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 1_000) {
      health.readiness();
      await clock.advance(1_000);
    }
    return health.readiness();
  }
  return { health, clock, checks, looks, probeFor };
}

const refused: Check = () => Promise.reject(new Error('the model provider cannot be reached'));
const gone: Check = () => Promise.reject(new Error('connect ECONNREFUSED'));

describe('the phases of a process', () => {
  test('it is not ready before it serves and once it drains, and ready between', () => {
    const { health } = createWatched();
    expect(health.readiness()).toEqual({ state: 'not_ready', reason: 'starting' });
    health.serving();
    expect(health.readiness()).toEqual({ state: 'ready' });
    expect(health.isDraining()).toBe(false);
    health.draining();
    expect(health.readiness()).toEqual({ state: 'not_ready', reason: 'draining' });
    expect(health.isDraining()).toBe(true);
  });

  test('nothing is looked at before it serves', () => {
    const { health, looks } = createWatched();
    health.readiness();
    expect(looks).toEqual({ provider: 0, store: 0 });
    health.serving();
    expect(looks).toEqual({ provider: 1, store: 1 });
  });

  test('without a provider to look at, as with the simulated model, it is ready', async () => {
    const { health, probeFor } = createWatched({ hasProvider: false });
    health.serving();
    expect(await probeFor(10_000)).toEqual({ state: 'ready' });
  });
});

describe('a probe', () => {
  test('waits for nothing: while the first look lasts, the process is ready', () => {
    const { health, checks } = createWatched();
    checks.provider = () => new Promise(() => {});
    health.serving();
    expect(health.readiness()).toEqual({ state: 'ready' });
  });

  test('has old findings looked at again, one look at a time, however many probes there are', async () => {
    const { health, clock, checks, looks } = createWatched();
    const answer = Promise.withResolvers<null>();
    checks.provider = () => answer.promise;
    health.serving();
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    await clock.advance(60_000);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(looks.provider).toBe(1);
    answer.resolve(null);
    await clock.advance(0);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(looks.provider).toBe(1); // what was found a moment ago is fresh
    await clock.advance(5_000);
    for (let probe = 0; probe < 100; probe += 1) health.readiness();
    expect(looks.provider).toBe(2);
  });

  test('gives the look a signal, so that it can end in time', () => {
    const { health, checks } = createWatched();
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
      const { health, checks, clock } = createWatched({ providerDown });
      checks.provider = async () => 'the model provider returned status 401';
      health.serving();
      await clock.advance(0);
      expect(health.readiness()).toEqual({ state: 'degraded', reason: 'the model provider returned status 401' });
    },
  );

  test.each([
    { providerDown: 'degraded', state: 'degraded' },
    { providerDown: 'fail', state: 'not_ready' },
  ] as const)('that cannot be reached makes it $state with READYZ_PROVIDER_DOWN=$providerDown', async (row) => {
    const { health, checks, clock } = createWatched({ providerDown: row.providerDown });
    checks.provider = refused;
    health.serving();
    await clock.advance(0);
    expect(health.readiness()).toEqual({ state: row.state, reason: 'the model provider cannot be reached' });
  });

  test('that is back makes it ready again', async () => {
    const { health, checks, probeFor } = createWatched({ providerDown: 'fail' });
    checks.provider = refused;
    health.serving();
    expect(await probeFor(2_000)).toMatchObject({ state: 'not_ready' });
    checks.provider = well;
    expect(await probeFor(6_000)).toEqual({ state: 'ready' });
  });
});

describe('a store', () => {
  test('that is away for a moment does not take the process out of service', async () => {
    const { health, checks, probeFor } = createWatched();
    checks.store = gone;
    health.serving();
    expect(await probeFor(12_000)).toEqual({ state: 'ready' });
    checks.store = well;
    expect(await probeFor(60_000)).toEqual({ state: 'ready' });
  });

  test('that is away for long does, without telling callers how it is reached', async () => {
    const { health, checks, probeFor } = createWatched();
    checks.store = gone;
    health.serving();
    expect(await probeFor(30_000)).toEqual({ state: 'not_ready', reason: 'the store cannot be reached' });
    checks.store = well;
    expect(await probeFor(6_000)).toEqual({ state: 'ready' });
  });

  test('that was away once, when somebody looked, is not taken for gone because nobody looked since', async () => {
    const { health, clock, checks } = createWatched();
    checks.store = gone;
    health.serving();
    await clock.advance(0);
    checks.store = well;
    await clock.advance(600_000);
    expect(health.readiness()).toEqual({ state: 'ready' });
  });

  test('weighs more than the provider', async () => {
    const { health, checks, probeFor } = createWatched();
    checks.store = gone;
    checks.provider = refused;
    health.serving();
    expect(await probeFor(30_000)).toEqual({ state: 'not_ready', reason: 'the store cannot be reached' });
  });
});
