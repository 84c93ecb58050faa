import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../platform/errors.ts';
import type { KeyLimits, RateDecision, RateLimiter, Scope } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import type { Authenticator } from './authenticator.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** On whose behalf the request is made; set before the body is read. */
    caller: Identity;
  }
  interface FastifyContextConfig {
    /** What a key must be let in to do for this route. A route without it cannot be registered behind the guard. */
    scope?: Scope;
    /** The route makes runs or keys: it counts against the limit of creating routes, not of reads. */
    creates?: boolean;
  }
}

/** Reads are cheap: a caller may make this many times as many. */
const readsPerCreate = 10;

/** Who may come in, and how often. */
export type AccessControlOptions = {
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
 * The header by which a request says who it is from. Two of them are none: a proxy may have looked at the other one.
 * Node's own `headers` would show the first.
 */
function authorizationOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  let count = 0;
  for (let name = 0; name < rawHeaders.length; name += 2) {
    if (rawHeaders[name]?.toLowerCase() === 'authorization') count += 1;
  }
  return count > 1 ? undefined : headers.authorization;
}

function checkScope({ scopes }: Identity, scope: Scope | undefined): void {
  if (scope !== undefined && scopes.includes(scope)) return;
  const reason = `This API key does not have the scope "${scope}"; it has ${scopes.join(', ')}.`;
  throw new ServiceError('forbidden', { reason });
}

/**
 * Lets a request in: who it is from, whether its key has the route's scope, and whether that caller is within its rate.
 * All is settled before the body is read, so that a refusal costs next to nothing. Covers the routes of `app` that are
 * registered after it, and refuses to register one that does not say which scope it asks for.
 */
export function registerAccessControl(
  app: FastifyInstance,
  { authenticator, limiter, rateLimit }: AccessControlOptions,
): void {
  const limitsOf = ({ rpm, burst }: KeyLimits, creates: boolean) => {
    const times = creates ? 1 : readsPerCreate;
    return { perMinute: (rpm ?? rateLimit.perMinute) * times, burst: (burst ?? rateLimit.burst) * times };
  };

  app.decorateRequest('caller', null as never);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.scope === undefined) throw new Error(`${method} ${url} does not say which scope it asks for.`);
  });
  app.addHook('onRequest', async (request: FastifyRequest, reply) => {
    const { scope, creates = false } = request.routeOptions.config;
    request.caller = await authenticator.identify(authorizationOf(request.raw));
    checkScope(request.caller, scope);
    const policy = creates ? 'create' : 'read';
    const { perMinute, burst } = limitsOf(request.caller.limits, creates);
    const caller = request.caller.keyId === null ? `ip:${request.ip}` : `key:${request.caller.keyId}`;
    const decision = await limiter.take(`${policy}:${caller}`, { intervalMs: minuteMs / perMinute, burst });
    setRateHeaders(reply, policy, perMinute, decision);
    if (!decision.allowed) throw new ServiceError('rate_limited', {}, { retryAfterMs: decision.retryAfterMs });
  });
}
