import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../platform/errors.ts';
import type { RateDecision, RateLimiter } from '../storage/port/index.ts';
import type { Authenticator, Identity } from './authenticator.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** On whose behalf the request is made; set before the body is read. */
    caller: Identity;
  }
  interface FastifyContextConfig {
    /** The route makes runs: it counts against the limit of creating routes, not of reads. */
    creates?: boolean;
  }
}

/** Reads are cheap: a caller may make this many times as many. */
const readsPerCreate = 10;

/** Who may come in, and how often. */
export type GuardOptions = {
  authenticator: Authenticator;
  limiter: RateLimiter;
  rateLimit: { perMinute: number; burst: number };
};

const minuteMs = 60_000;

/** The headers of draft-ietf-httpapi-ratelimit-headers-11. */
function setRateHeaders(
  reply: FastifyReply,
  policy: string,
  perMinute: number,
  { remaining, resetMs }: RateDecision,
): void {
  reply.header('ratelimit-policy', `"${policy}";q=${perMinute};w=60`);
  reply.header('ratelimit', `"${policy}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`);
}

/**
 * Lets a request in: who it is from, and whether that caller is within its rate. Both are settled before the body is
 * read, so that a refusal costs next to nothing. Covers the routes of `app` that are registered after it.
 */
export function registerGuard(app: FastifyInstance, { authenticator, limiter, rateLimit }: GuardOptions): void {
  const policies = {
    create: rateLimit,
    read: { perMinute: rateLimit.perMinute * readsPerCreate, burst: rateLimit.burst * readsPerCreate },
  };

  app.decorateRequest('caller', null as never);
  app.addHook('onRequest', async (request: FastifyRequest, reply) => {
    request.caller = authenticator.identify(request.headers.authorization);
    const policy = request.routeOptions.config.creates ? 'create' : 'read';
    const { perMinute, burst } = policies[policy];
    const caller = request.caller.keyId === null ? `ip:${request.ip}` : `key:${request.caller.keyId}`;
    const decision = await limiter.take(`${policy}:${caller}`, { intervalMs: minuteMs / perMinute, burst });
    setRateHeaders(reply, policy, perMinute, decision);
    if (!decision.allowed) throw new ServiceError('rate_limited', {}, { retryAfterMs: decision.retryAfterMs });
  });
}
