import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import { toStartError } from '../../platform/start-error.ts';
import type { Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { RunMetrics } from '../metrics.ts';
import { createOrphanRecovery } from './orphan-recovery.ts';
import { createProcessRegistration, type ProcessRegistrationDeps } from './process-registration.ts';
import { createRunReconciler } from './run-reconciler.ts';
import { createSingleFlight } from './single-flight.ts';

/** Heartbeats per lease; they are sent, and orphans recovered, at least once a second. */
const heartbeatsPerLease = 4;
const heartbeatMsMax = 1_000;

/** Dependencies of the process lease. */
export type ProcessLeaseDeps = ProcessRegistrationDeps & {
  store: Store;
  active: ActiveRuns;
  metrics: Pick<RunMetrics, 'recovered' | 'leaseLost'>;
  log: Logger;
};

/** This process's right to execute runs. */
export type Lease = Service & {
  /** The id under which the process owns runs at the moment. */
  processId(): string;
  /** Announces that this process claims no more runs; resolves when that is stored or has failed. */
  stopClaiming(): Promise<void>;
  /** Whether no other process can have declared this one dead: it may start runs. */
  isHeld(): boolean;
};

/**
 * Keeps the lease of this process by heartbeats, reconciles its runs with the store, and recovers orphans: the runs of
 * processes that lost their lease. If the lease cannot be extended, the process stops its runs before the lease ends:
 * other processes may rely on that when they take them over. If the store extends the lease after all, no process has
 * taken them over.
 */
export function createProcessLease(deps: ProcessLeaseDeps): Lease {
  const { store, leaseMs, active, clock, log } = deps;
  const heartbeatMs = Math.min(leaseMs / heartbeatsPerLease, heartbeatMsMax);
  const registration = createProcessRegistration(deps);
  const recoverOrphans = createOrphanRecovery(deps);
  const reconcileRuns = createRunReconciler({ store, active, log });
  const reconcile = () => reconcileRuns(registration.id());
  const { begin, isInFlight, ended } = createSingleFlight(log);
  const stopping = new AbortController();
  let ticking: Promise<void> = Promise.resolve();
  let unsubscribe = () => {};
  let overdue = false;

  async function heartbeat(): Promise<void> {
    await registration.heartbeat();
    begin(recoverOrphans, 'the runs of dead processes could not be looked for');
    begin(reconcile, 'the runs of this process could not be looked for');
  }

  /** Sends a heartbeat; if the one before is not answered yet, as soon as it is. */
  function beginHeartbeat(): void {
    overdue = isInFlight(heartbeat);
    if (!overdue)
      begin(heartbeat, 'the heartbeat failed', () => overdue && !stopping.signal.aborted && beginHeartbeat());
  }

  /** Does not wait for answers: the next tick checks whether there was one in time. */
  async function tick(): Promise<void> {
    for (;;) {
      await clock.sleep(heartbeatMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      registration.giveUpBeforeExpiry(heartbeatMs);
      beginHeartbeat();
    }
  }

  return {
    name: 'process lease',
    processId: registration.id,
    isHeld: registration.isHeld,
    stopClaiming: registration.stopClaiming,
    async start() {
      await registration.register().then(recoverOrphans).catch(failStart);
      unsubscribe = store.signals.subscribe((signal) => {
        if (signal.type === 'cancel') active.get(signal.runId)?.stop('cancelled');
      });
      ticking = tick();
    },
    async stop(deadline) {
      if (stopping.signal.aborted) return;
      stopping.abort();
      unsubscribe();
      await ticking;
      await Promise.race([ended().then(registration.unregister), aborted(deadline)]);
    },
  };
}

function failStart(error: unknown): never {
  throw toStartError('This process cannot be registered in its store', error);
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
