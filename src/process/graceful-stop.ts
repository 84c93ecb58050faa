import type { Health } from '../health/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Listener } from '../platform/http/listener.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Runs } from '../runs/index.ts';
import { closeMs, recordMs } from './exit.ts';
import type { PrimaryLink } from './workers/index.ts';

/** The parts of a service that a graceful stop ends. */
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
 * Makes the graceful stop of a service: readiness turns off, callers are sent elsewhere, new runs are refused, the runs
 * of this process end within `SHUTDOWN_GRACE` or are handed back, and then all parts stop. It resolves with whether every
 * run ended by itself.
 */
export function createGracefulStop(deps: GracefulStopDeps): () => Promise<boolean> {
  const { settings, api, health, runs, services, closing, link, clock } = deps;
  return async () => {
    health.draining();
    if (api !== null) await sendCallersElsewhere(api, clock, settings, link);
    runs.service.close();
    runs.active.leaveBackground();
    await runs.claimer.stop(AbortSignal.timeout(recordMs));
    await runs.lease.stopClaiming();
    const drained = await drain(runs, settings);
    closing.abort();
    await services.stop(AbortSignal.timeout(closeMs));
    return drained;
  };
}

/** Lets the runs in flight end; the ones left at the end of the grace go on in another process, or here after a restart. */
async function drain({ active, service }: Runs, { shutdownGraceMs }: Settings): Promise<boolean> {
  if (await active.idle(AbortSignal.timeout(shutdownGraceMs))) return true;
  active.stopAll('shutting_down');
  service.stopWaiting();
  await active.idle(AbortSignal.timeout(recordMs));
  return false;
}

/** Has the callers connect to another process, so that this one has to refuse none of them. */
async function sendCallersElsewhere(
  api: Listener,
  clock: Clock,
  { prestopDelayMs }: Settings,
  link: PrimaryLink | null,
): Promise<void> {
  // A worker that ends while the others serve gets no further connections: no load balancer has to learn of its end.
  const alone = link !== null && !link.endsWithAll();
  if (alone) api.stopAccepting();
  else if (prestopDelayMs > 0) await clock.sleep(prestopDelayMs);
  // A client with a kept connection that got no answer over it since the signal has to reconnect, instead of being refused.
  const hungUp = api.hangUp();
  // Without a delay new runs are refused from the very moment of the signal on.
  if (alone || prestopDelayMs > 0) await hungUp;
}
