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
 * This process in the store: its id and how long it holds its lease. The lease counts from when the last heartbeat that
 * arrived was sent, not from when it was answered, so that it never ends later here than in the store.
 */
export function createProcessRegistration(deps: ProcessRegistrationDeps) {
  const { store, info, newId, leaseMs, active, metrics, clock, log } = deps;
  let id = newId();
  let successorId = newId();
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let declaredDead = false;
  let lost = false;

  async function register(asId: string): Promise<void> {
    const sentMs = clock.monotonicMs();
    await store.processes.register({ id: asId, ...info }, leaseMs);
    heldUntilMs = sentMs + leaseMs;
  }

  /** Stops all runs of this process: other processes may take them over. */
  function giveUp(): void {
    if (!lost) metrics.leaseLost();
    lost = true;
    heldUntilMs = Number.NEGATIVE_INFINITY;
    active.stopAll('lease_lost');
  }

  async function extend(): Promise<void> {
    const sentMs = clock.monotonicMs();
    declaredDead = !(await store.processes.heartbeat(id, leaseMs));
    if (!declaredDead) {
      heldUntilMs = sentMs + leaseMs;
      lost = false;
      return;
    }
    log.error({ processId: id }, 'this process was taken for dead; its runs are given up');
    giveUp();
  }

  /** Continues under a new id. The runs of the old one become orphans, unless other processes have them already. */
  async function registerSuccessor(): Promise<void> {
    await register(successorId);
    const oldId = id;
    id = successorId;
    successorId = newId();
    declaredDead = false;
    lost = false;
    await store.processes.unregister(oldId);
  }

  return {
    /** The id under which the process owns runs at the moment. */
    id: (): string => id,

    /** Whether the lease is held. */
    isHeld: (): boolean => clock.monotonicMs() < heldUntilMs,

    /** Gives the runs of this process up if the lease ends within `withinMs`. */
    giveUpBeforeExpiry(withinMs: number): void {
      if (lost || clock.monotonicMs() + withinMs < heldUntilMs || active.size() === 0) return;
      log.error({ processId: id }, 'the lease cannot be extended; runs are given up before it ends');
      giveUp();
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
