import type { Health } from '../health/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Listener } from '../platform/http/listener.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Runs } from '../runs/index.ts';
import { closeMs, recordMs } from './exit.ts';
import type { PrimaryLink } from './workers/index.ts';

/** Dependencies of the graceful stop. */
export type GracefulStopDeps = {
  settings: Settings;
  api: Listener | null;
  health: Health;
  runs: Runs;
  /** All parts of the process. */
  services: Service;
  /** Ends the open event streams. */
  closing: AbortController;
  link: PrimaryLink | null;
  clock: Clock;
};

/**
 * Makes the graceful stop of a service: readiness turns off, callers are moved to other processes, new runs are refused,
 * the runs of this process end within `SHUTDOWN_GRACE` or are released, and then all parts stop. It resolves with whether
 * every run has ended without an interruption.
 */
export function createGracefulStop(deps: GracefulStopDeps): () => Promise<boolean> {
  const { settings, api, health, runs, services, closing, link, clock } = deps;
  return async () => {
    health.draining();
    const isMoved = api !== null && (await moveCallers(api, clock, settings, link));
    const grace = AbortSignal.timeout(settings.shutdownGraceMs);
    // The requests that have arrived by now arrived in time: they are not refused, however long they take to be decided.
    if (isMoved) await runs.arrivals.decided(AbortSignal.any([grace, AbortSignal.timeout(recordMs)]));
    runs.service.close();
    runs.active.leaveBackground();
    await runs.claimer.stop(AbortSignal.timeout(recordMs));
    await runs.lease.stopClaiming();
    const drained = await drain(runs, grace);
    closing.abort();
    await services.stop(AbortSignal.timeout(closeMs));
    return drained;
  };
}

/** Waits for the runs in flight. Runs that have not ended by `SHUTDOWN_GRACE` go on in another process, or after a restart. */
async function drain({ active, service }: Runs, grace: AbortSignal): Promise<boolean> {
  if (await active.idle(grace)) return true;
  active.stopAll('shutting_down');
  service.stopWaiting();
  await active.idle(AbortSignal.timeout(recordMs));
  return false;
}

/**
 * Makes the callers connect to another process, so that this one does not have to refuse their requests. False where
 * there is no time for that: without a delay new runs are refused from the signal on.
 */
async function moveCallers(
  api: Listener,
  clock: Clock,
  { prestopDelayMs }: Settings,
  link: PrimaryLink | null,
): Promise<boolean> {
  // While the other workers serve, a worker that ends gets no further connections; load balancers need no time to notice.
  const alone = link !== null && !link.endsWithAll();
  if (alone) api.stopAccepting();
  else if (prestopDelayMs > 0) await clock.sleep(prestopDelayMs);
  // A client that keeps an idle connection has to reconnect to another process, instead of a refusal by this one.
  const idleClosed = api.closeIdleConnections();
  const hasTime = alone || prestopDelayMs > 0;
  if (hasTime) await idleClosed;
  return hasTime;
}
