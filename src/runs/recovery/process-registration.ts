import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ProcessInfo, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { RunMetrics } from '../metrics.ts';

/** Dependencies of the registration of a process. */
export type ProcessRegistrationDeps = {
  store: Pick<Store, 'processes'>;
  /** The process as it registers; it gets a new id after it was declared dead. */
  info: Omit<ProcessInfo, 'id'>;
  newId: () => string;
  leaseMs: number;
  active: Pick<ActiveRuns, 'size' | 'stopAll'>;
  metrics: Pick<RunMetrics, 'leaseLost'>;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

/**
 * The term for which this process holds its lease. It counts from when the last heartbeat that arrived was sent, not from
 * when it was answered, so that it never ends later here than in the store.
 */
function createLeaseTerm({ leaseMs, active, metrics, clock }: ProcessRegistrationDeps) {
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let lost = false;

  return {
    isHeld: (): boolean => clock.monotonicMs() < heldUntilMs,

    /** Whether the lease ends within `withinMs` and was not given up yet, although runs depend on it. */
    isToBeGivenUp: (withinMs: number): boolean =>
      !lost && clock.monotonicMs() + withinMs >= heldUntilMs && active.size() > 0,

    extend(sentMs: number): void {
      heldUntilMs = sentMs + leaseMs;
      lost = false;
    },

    /** Ends the lease here and stops all runs of this process: other processes may take them over. */
    giveUp(): void {
      if (!lost) metrics.leaseLost();
      lost = true;
      heldUntilMs = Number.NEGATIVE_INFINITY;
      active.stopAll('lease_lost');
    },
  };
}

/** This process in the store: its id and its lease. */
export function createProcessRegistration(deps: ProcessRegistrationDeps) {
  const { store, info, newId, leaseMs, clock, log } = deps;
  const lease = createLeaseTerm(deps);
  let id = newId();
  let successorId = newId();
  let declaredDead = false;

  async function register(asId: string): Promise<void> {
    const sentMs = clock.monotonicMs();
    await store.processes.register({ id: asId, ...info }, leaseMs);
    lease.extend(sentMs);
  }

  async function extend(): Promise<void> {
    const sentMs = clock.monotonicMs();
    declaredDead = !(await store.processes.heartbeat(id, leaseMs));
    if (!declaredDead) return lease.extend(sentMs);
    log.error({ processId: id }, 'this process was taken for dead; its runs are given up');
    lease.giveUp();
  }

  /** Continues under a new id. The runs of the old one become orphans, unless other processes have them already. */
  async function registerSuccessor(): Promise<void> {
    await register(successorId);
    const oldId = id;
    id = successorId;
    successorId = newId();
    declaredDead = false;
    await store.processes.unregister(oldId);
  }

  return {
    /** The id under which the process owns runs at the moment. */
    id: (): string => id,

    isHeld: lease.isHeld,

    /** Gives the runs of this process up if the lease ends within `withinMs`. */
    giveUpBeforeExpiry(withinMs: number): void {
      if (!lease.isToBeGivenUp(withinMs)) return;
      log.error({ processId: id }, 'the lease cannot be extended; runs are given up before it ends');
      lease.giveUp();
    },

    register: (): Promise<void> => register(id),
    unregister: (): Promise<void> => store.processes.unregister(id),

    /** Announces that this process claims no more runs; resolves when that is stored or has failed. */
    stopClaiming: (): Promise<void> =>
      store.processes
        .stopClaiming(id)
        .catch((error: unknown) => log.warn({ err: error }, 'others could not be told that this process stops')),

    /** Extends the lease; if the store has declared the process dead, registers it under a new id. */
    async heartbeat(): Promise<void> {
      if (!declaredDead) await extend();
      if (declaredDead) await registerSuccessor();
    },
  };
}

/** This process in the store. */
export type ProcessRegistration = ReturnType<typeof createProcessRegistration>;
