import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../platform/errors.ts';
import { retryAfterRules } from '../../platform/http/retry-after.ts';
import type { AdmissionMetrics } from './admission.ts';

/** Options of load shedding. */
export type LoadSheddingOptions = {
  /** How long requests waited for the event loop lately. */
  eventLoopDelay: { recentMs(): number };
  /** Longest delay of the event loop, in ms, at which new runs are accepted. */
  delayMaxMs: number;
  metrics: Pick<AdmissionMetrics, 'shed'>;
};

/**
 * Refuses new runs while the event loop cannot keep up, before their key or body is read: the loop is left to the runs
 * in progress. Other requests are answered. Covers the routes of `app` that are registered after it.
 */
export function registerLoadShedding(
  app: FastifyInstance,
  { eventLoopDelay, delayMaxMs, metrics }: LoadSheddingOptions,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const delayMs = eventLoopDelay.recentMs();
    if (!request.routeOptions.config.creates || delayMs <= delayMaxMs) return done();
    metrics.shed('event_loop');
    done(new ServiceError('too_many_runs', {}, { retryAfterMs: retryAfterRules.eventLoopMs(delayMs) }));
  });
}
