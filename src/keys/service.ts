import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ApiKey, KeyLimits, KeyStore, Page } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import { makeApiKey } from './key-format.ts';
import type { CreateKey } from './schemas.ts';

/** What the service stands on. */
export type KeyServiceDeps = {
  keys: KeyStore;
  ids: Ids;
  clock: Pick<Clock, 'nowMs'>;
  /** What holds for keys without limits of their own. */
  rateLimit: { perMinute: number; burst: number };
  log: Pick<Logger, 'info'>;
};

/** A key that was made just now, with its text, which is stored nowhere. */
export type CreatedKey = { key: ApiKey; text: string };

const invalid = (path: string, message: string) =>
  new ServiceError('validation_failed', { reason: `${path}: ${message}` }, { errors: [{ path, message }] });

const askedLimits = (request: CreateKey): KeyLimits => ({
  rpm: request.rpm ?? null,
  burst: request.burst ?? null,
  budgetUsdDay: request.budget_usd_day ?? null,
  budgetTokensDay: request.budget_tokens_day ?? null,
  budgetUsdMonth: request.budget_usd_month ?? null,
  budgetTokensMonth: request.budget_tokens_month ?? null,
});

const wireName = (limit: string) => limit.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** API keys: making, looking at and revoking them. */
export function createKeyService({ keys, ids, clock, rateLimit, log }: KeyServiceDeps) {
  /** The tenant that is asked for; null for all. Of tenants other than their own, callers learn nothing. */
  function tenantFor({ isOperator, tenantId }: Identity, asked: string | undefined): string | null {
    if (isOperator) return asked ?? null;
    if (asked === undefined || asked === tenantId) return tenantId;
    throw new ServiceError('not_found', { what: `Tenant ${asked}` });
  }

  /** Nobody gives away more than they have: what is left out is as theirs, what is given may not be above it. */
  function limitsFor({ isOperator, limits }: Identity, request: CreateKey): KeyLimits {
    const given = askedLimits(request);
    if (isOperator) return given;
    const most: KeyLimits = {
      ...limits,
      rpm: limits.rpm ?? rateLimit.perMinute,
      burst: limits.burst ?? rateLimit.burst,
    };
    for (const name of Object.keys(given) as (keyof KeyLimits)[]) {
      const bound = most[name];
      if (given[name] !== null && bound !== null && given[name] > bound) {
        throw invalid(wireName(name), `may be at most ${bound}, as of the key that asks`);
      }
      given[name] ??= limits[name];
    }
    return given;
  }

  function expiryOf({ expires_at: expiresAt }: CreateKey): number | null {
    if (expiresAt === undefined) return null;
    const expiresAtMs = Date.parse(expiresAt);
    if (expiresAtMs <= clock.nowMs()) throw invalid('expires_at', 'must be in the future');
    return expiresAtMs;
  }

  return {
    /** @throws {ServiceError} `not_found` for a tenant that the caller has nothing to do with, `validation_failed` */
    async create(caller: Identity, request: CreateKey): Promise<CreatedKey> {
      const id = ids('key');
      const { text, hash, prefix } = makeApiKey(id);
      const key = await keys.create({
        ...limitsFor(caller, request),
        id,
        tenantId: tenantFor(caller, request.tenant) ?? caller.tenantId,
        name: request.name,
        scopes: request.scopes,
        expiresAtMs: expiryOf(request),
        hash,
        prefix,
      });
      log.info({ keyId: id, tenant: key.tenantId, scopes: key.scopes, by: caller.keyId }, 'API key made');
      return { key, text };
    },

    /** The last made first. @throws {ServiceError} `not_found` as for `create` */
    list: async (
      caller: Identity,
      tenant: string | undefined,
      limit: number,
      before: string | null,
    ): Promise<Page<ApiKey, string>> => keys.list(tenantFor(caller, tenant), limit, before),

    /** Ends a key for good; again changes nothing. @throws {ServiceError} `not_found` */
    async revoke(caller: Identity, keyId: string): Promise<void> {
      const revoked = await keys.revoke(tenantFor(caller, undefined), keyId);
      if (!revoked) throw new ServiceError('not_found', { what: `Key ${keyId}` });
      log.info({ keyId, by: caller.keyId }, 'API key revoked');
    },
  };
}

/** API keys. */
export type KeyService = ReturnType<typeof createKeyService>;
