import type { FastifyInstance } from 'fastify';
import type { Arrivals } from '../arrivals.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Called once it is decided what becomes of a request that may create a run; null for other requests. */
    arrivalDecided: (() => void) | null;
  }
}

/** Counts the requests that may create a run, from their headers on. Covers the routes of `app` that are registered after it. */
export function registerArrivals(app: FastifyInstance, arrivals: Arrivals): void {
  app.decorateRequest('arrivalDecided', null);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.creates) {
      request.arrivalDecided = arrivals.begin();
      reply.raw.once('close', request.arrivalDecided); // a refusal, or a client that disconnected
    }
    done();
  });
}
