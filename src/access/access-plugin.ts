import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import { storeUnanswered } from '../platform/http/store-unanswered.ts';
import { unlessLate } from '../platform/time-limit.ts';
import type { KeyLimits, RateDecision, RateLimiter, Scope } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import type { Authenticator } from './authenticator.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller of the request; set before the body is read. */
    caller: Identity;
    /** How long the check of the caller took, in ms. */
    accessMs: number;
  }
  interface FastifyContextConfig {
    /** The scope that the route requires of a key. A route without it cannot be registered under access control. */
    scope?: Scope;
    /** Whether the route creates runs or keys: its requests count against the limit of creating requests, not of reads. */
    creates?: boolean;
  }
}

/** A caller may make so many times more reads than creating requests, because reads are cheap. */
const readsPerCreate = 10;

/** Dependencies of access control, and the rate limit of keys without limits of their own. */
export type AccessControlOptions = {
  authenticator: Authenticator;
  limiter: RateLimiter;
  rateLimit: { perMinute: number; burst: number };
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** How long a request may wait for its caller and its rate limit, in ms. Null for no limit. */
  answerMsMax: number | null;
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
 * The `Authorization` header of a request; undefined if there are several, because a proxy in front may have checked
 * another one than this service would. Node's own `headers` would show the first.
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
 * Authenticates each request, checks that its key has the scope of the route, and counts it against the rate limit of
 * the caller. All of this happens before the body is read, so a refusal costs little. It covers the routes of `app` that
 * are registered afterwards, and throws for a route that does not name the scope that it requires.
 */
export function registerAccessControl(
  app: FastifyInstance,
  { authenticator, limiter, rateLimit, clock, answerMsMax }: AccessControlOptions,
): void {
  const limitsOf = ({ rpm, burst }: KeyLimits, creates: boolean) => {
    const times = creates ? 1 : readsPerCreate;
    return { perMinute: (rpm ?? rateLimit.perMinute) * times, burst: (burst ?? rateLimit.burst) * times };
  };

  app.decorateRequest('caller', null as never);
  app.decorateRequest('accessMs', 0);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.scope === undefined) throw new Error(`${method} ${url} does not say which scope it asks for.`);
  });
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { scope, creates = false } = request.routeOptions.config;
    request.caller = await authenticator.authenticate(authorizationOf(request.raw));
    checkScope(request.caller, scope);
    const policy = creates ? 'create' : 'read';
    const { perMinute, burst } = limitsOf(request.caller.limits, creates);
    const caller = request.caller.keyId === null ? `ip:${request.ip}` : `key:${request.caller.keyId}`;
    const decision = await limiter.take(`${policy}:${caller}`, { intervalMs: minuteMs / perMinute, burst });
    if (reply.sent) return; // it took too long
    setRateHeaders(reply, policy, perMinute, decision);
    if (!decision.allowed)
      throw new ServiceError('rate_limited', {}, { retryAfterMs: retryAfterRules.rateLimitMs(decision) });
  }

  app.addHook('onRequest', async (request, reply) => {
    const startedMs = clock.monotonicMs();
    const admitted = admit(request, reply);
    await (answerMsMax === null ? admitted : unlessLate(clock, answerMsMax, admitted, storeUnanswered));
    request.accessMs = clock.monotonicMs() - startedMs;
  });
}
