import type { Clock } from '../platform/clock.ts';

/** How old a finding may get before a probe has it looked at again, in ms. */
const freshMs = 5_000;

/** What a look at a dependency found: null when all is well, else why not. */
export type Check = (signal: AbortSignal) => Promise<string | null>;

/** What health is judged by. */
export type HealthDeps = {
  /** Looks at the provider; null where there is none to look at. */
  provider: Check | null;
  /** Looks at the store. */
  store: Check;
  timeoutMs: number;
  providerDown: 'degraded' | 'fail';
  clock: Clock;
};

/** What `/readyz` says. */
export type Readiness = { state: 'ready' } | { state: 'degraded' | 'not_ready'; reason: string };

/** How long the store may be gone before the process says that it cannot do its work, in ms. */
const storeGoneMs = 15_000;

/**
 * What the service says about itself. A probe never waits: it is answered from the last findings, and old ones are
 * looked at again in the background, one look at a time.
 */
export function createHealth({ provider, store, timeoutMs, providerDown, clock }: HealthDeps) {
  let phase: 'starting' | 'serving' | 'draining' = 'starting';
  const watchedProvider = provider && watch(provider, timeoutMs, clock);
  const watchedStore = watch(store, timeoutMs, clock);

  function providerFinding(): Readiness {
    const finding = watchedProvider?.finding();
    if (!finding?.reason) return { state: 'ready' };
    const fails = providerDown === 'fail' && finding.unreachable;
    return { state: fails ? 'not_ready' : 'degraded', reason: finding.reason };
  }

  return {
    /** The process can serve from now on; looks at its dependencies for the first time. */
    serving(): void {
      phase = 'serving';
      watchedProvider?.finding();
      watchedStore.finding();
    },

    /** The process is going away. */
    draining(): void {
      phase = 'draining';
    },

    isDraining: (): boolean => phase === 'draining',

    readiness(): Readiness {
      if (phase === 'starting') return { state: 'not_ready', reason: 'starting' };
      if (phase === 'draining') return { state: 'not_ready', reason: 'draining' };
      if (watchedStore.badForMs() > storeGoneMs) return { state: 'not_ready', reason: 'the store cannot be reached' };
      return providerFinding();
    },
  };
}

/** What the service says about itself. */
export type Health = ReturnType<typeof createHealth>;

type Finding = { reason: string | null; unreachable: boolean };

function watch(check: Check, timeoutMs: number, clock: Clock) {
  let finding: Finding = { reason: null, unreachable: false };
  let lookedMs = Number.NEGATIVE_INFINITY;
  let badSinceMs: number | null = null;
  let looking = false;

  async function look(): Promise<void> {
    looking = true;
    try {
      finding = { reason: await check(AbortSignal.timeout(timeoutMs)), unreachable: false };
    } catch (error) {
      finding = { reason: error instanceof Error ? error.message : 'unknown', unreachable: true };
    }
    lookedMs = clock.monotonicMs();
    badSinceMs = finding.reason === null ? null : (badSinceMs ?? lookedMs);
    looking = false;
  }

  const refresh = () => {
    if (!looking && clock.monotonicMs() - lookedMs >= freshMs) void look();
  };

  return {
    finding(): Finding {
      refresh();
      return finding;
    },
    /** How long every look has found something, up to the last one: what happened since nobody knows. */
    badForMs(): number {
      refresh();
      return badSinceMs === null ? 0 : lookedMs - badSinceMs;
    },
  };
}
