import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ApiKey, KeyStore, Page } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import { makeApiKey } from './key-format.ts';
import { type DefaultRateLimit, invalidField, limitsOfNewKey } from './key-limits.ts';
import type { CreateKey } from './schemas.ts';

/** Dependencies of the service. */
export type KeyServiceDeps = {
  keys: KeyStore;
  ids: Ids;
  clock: Pick<Clock, 'nowMs'>;
  rateLimit: DefaultRateLimit;
  log: Pick<Logger, 'info'>;
};

/** A new key with its text, which is not stored. */
export type CreatedKey = { key: ApiKey; text: string };

/**
 * The requested tenant; null for all. To callers that are no operators, tenants other than their own do not exist.
 *
 * @throws {ServiceError} `not_found`
 */
function tenantFor({ isOperator, tenantId }: Identity, requested: string | undefined): string | null {
  if (isOperator) return requested ?? null;
  if (requested === undefined || requested === tenantId) return tenantId;
  throw new ServiceError('not_found', { what: `Tenant ${requested}` });
}

function expiryOf({ expires_at: expiresAt }: CreateKey, nowMs: number): number | null {
  if (expiresAt === undefined) return null;
  const expiresAtMs = Date.parse(expiresAt);
  if (expiresAtMs <= nowMs) throw invalidField('expires_at', 'must be in the future');
  return expiresAtMs;
}

/** Creates, lists and revokes API keys. */
export function createKeyService({ keys, ids, clock, rateLimit, log }: KeyServiceDeps) {
  return {
    /** @throws {ServiceError} `not_found` for a tenant that the caller may not see, `validation_failed` */
    async create(caller: Identity, request: CreateKey): Promise<CreatedKey> {
      const id = ids('key');
      const { text, hash, prefix } = makeApiKey(id);
      const key = await keys.create({
        ...limitsOfNewKey(caller, request, rateLimit),
        id,
        tenantId: tenantFor(caller, request.tenant) ?? caller.tenantId,
        name: request.name,
        scopes: request.scopes,
        expiresAtMs: expiryOf(request, clock.nowMs()),
        hash,
        prefix,
      });
      log.info({ keyId: id, tenant: key.tenantId, scopes: key.scopes, by: caller.keyId }, 'API key made');
      return { key, text };
    },

    /** A page of keys, the newest first. @throws {ServiceError} `not_found` as for `create` */
    list: async (
      caller: Identity,
      tenant: string | undefined,
      limit: number,
      before: string | null,
    ): Promise<Page<ApiKey, string>> => keys.list(tenantFor(caller, tenant), limit, before),

    /** Revokes a key for good; to revoke it again changes nothing. @throws {ServiceError} `not_found` */
    async revoke(caller: Identity, keyId: string): Promise<void> {
      const revoked = await keys.revoke(tenantFor(caller, undefined), keyId);
      if (!revoked) throw new ServiceError('not_found', { what: `Key ${keyId}` });
      log.info({ keyId, by: caller.keyId }, 'API key revoked');
    },
  };
}

/** See `createKeyService`. */
export type KeyService = ReturnType<typeof createKeyService>;
