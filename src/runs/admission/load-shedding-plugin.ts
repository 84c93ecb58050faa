import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../platform/errors.ts';
import type { RunMetrics } from '../metrics.ts';

/** What shedding looks at. */
export type LoadSheddingOptions = {
  /** How long the event loop kept requests waiting lately. */
  eventLoopDelay: { recentMs(): number };
  /** Beyond that no runs are taken in. */
  delayMaxMs: number;
  metrics: Pick<RunMetrics, 'shed'>;
};

/** In whole seconds, and not before the delay has been measured again, in ms. */
const retryMs = 2_000;

/**
 * Refuses new runs while the event loop cannot keep up, before anything is asked or read of them: what is under way has
 * the loop for itself. Everything else is answered. Covers the routes of `app` that are registered after it.
 */
export function registerLoadShedding(
  app: FastifyInstance,
  { eventLoopDelay, delayMaxMs, metrics }: LoadSheddingOptions,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const delayMs = eventLoopDelay.recentMs();
    if (!request.routeOptions.config.creates || delayMs <= delayMaxMs) return done();
    metrics.shed('event_loop');
    done(new ServiceError('too_many_runs', {}, { retryAfterMs: retryMs + delayMs }));
  });
}
