import type { Clock } from '../platform/clock.ts';

/** The age from which a check result is stale, in ms: the next probe starts a new check. */
const freshMs = 5_000;

/** Checks a dependency. Resolves with null if it is healthy, otherwise with the reason; rejects if it is unreachable. */
export type Check = (signal: AbortSignal) => Promise<string | null>;

/** Dependencies of the health service. */
export type HealthDeps = {
  /** Checks the provider; null if there is none. */
  provider: Check | null;
  /** Checks the store. */
  store: Check;
  timeoutMs: number;
  providerDown: 'degraded' | 'fail';
  clock: Clock;
};

/** The readiness of a process, as `/readyz` reports it. */
export type Readiness = { state: 'ready' } | { state: 'degraded' | 'not_ready'; reason: string };

/** How long the store may be unreachable before the process is not ready, in ms. */
const storeFailingMaxMs = 15_000;

/**
 * The health of the service. A probe never waits: it is answered from the last check results. Stale results are
 * refreshed in the background, by one check at a time per dependency.
 */
export function createHealth({ provider, store, timeoutMs, providerDown, clock }: HealthDeps) {
  let phase: 'starting' | 'serving' | 'draining' = 'starting';
  const providerMonitor = provider && createMonitor(provider, timeoutMs, clock);
  const storeMonitor = createMonitor(store, timeoutMs, clock);

  function providerReadiness(): Readiness {
    const result = providerMonitor?.result();
    if (!result?.reason) return { state: 'ready' };
    const fails = providerDown === 'fail' && result.unreachable;
    return { state: fails ? 'not_ready' : 'degraded', reason: result.reason };
  }

  return {
    /** The process can serve from now on. Starts the first checks of its dependencies. */
    serving(): void {
      phase = 'serving';
      providerMonitor?.result();
      storeMonitor.result();
    },

    /** The process ends, and takes no new work. */
    draining(): void {
      phase = 'draining';
    },

    isDraining: (): boolean => phase === 'draining',

    readiness(): Readiness {
      if (phase === 'starting') return { state: 'not_ready', reason: 'starting' };
      if (phase === 'draining') return { state: 'not_ready', reason: 'draining' };
      if (storeMonitor.failingForMs() > storeFailingMaxMs)
        return { state: 'not_ready', reason: 'the store cannot be reached' };
      return providerReadiness();
    },
  };
}

/** The health of the service. */
export type Health = ReturnType<typeof createHealth>;

type CheckResult = { reason: string | null; unreachable: boolean };

/** Repeats the check of a dependency in the background, and keeps its last result. */
function createMonitor(check: Check, timeoutMs: number, clock: Clock) {
  let result: CheckResult = { reason: null, unreachable: false };
  let checkedMs = Number.NEGATIVE_INFINITY;
  let failingSinceMs: number | null = null;
  let isChecking = false;

  async function runCheck(): Promise<void> {
    isChecking = true;
    try {
      result = { reason: await check(AbortSignal.timeout(timeoutMs)), unreachable: false };
    } catch (error) {
      result = { reason: error instanceof Error ? error.message : 'unknown', unreachable: true };
    }
    checkedMs = clock.monotonicMs();
    failingSinceMs = result.reason === null ? null : (failingSinceMs ?? checkedMs);
    isChecking = false;
  }

  const refresh = () => {
    if (!isChecking && clock.monotonicMs() - checkedMs >= freshMs) void runCheck();
  };

  return {
    /** The last result. Starts a new check if it is stale. */
    result(): CheckResult {
      refresh();
      return result;
    },
    /** How long all checks have failed, up to the last one, in ms: the state since then is not known. */
    failingForMs(): number {
      refresh();
      return failingSinceMs === null ? 0 : checkedMs - failingSinceMs;
    },
  };
}
