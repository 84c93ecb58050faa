import { timingSafeEqual } from 'node:crypto';
import type { Spender } from '../budgets/tenancy-index.ts';
import type { KeyCache } from '../keys/key-cache.ts';
import { digestOf, keyIdOf } from '../keys/key-format.ts';
import type { LastUsedRecorder } from '../keys/last-used.ts';
import { ServiceError } from '../platform/errors.ts';
import { type ApiKey, type KeyLimits, noLimits, type Scope, scopes } from '../storage/port/index.ts';

/** On whose behalf a request is made, and what it may do. */
export type Identity = {
  tenantId: string;
  /** The key it came with; `admin` for `ADMIN_API_KEY`, null where none is asked for. */
  keyId: string | null;
  scopes: readonly Scope[];
  /** Whether it speaks for whoever operates the service, who makes keys of every tenant. */
  isOperator: boolean;
  /** Whether its key is one of the store, which may be revoked or expire. */
  stored: boolean;
  limits: KeyLimits;
};

/** The tenant of every caller where no keys are asked for, and of `ADMIN_API_KEY`. */
export const defaultTenant = 'default';

const operator = (keyId: string | null): Identity => ({
  tenantId: defaultTenant,
  keyId,
  scopes,
  isOperator: true,
  stored: false,
  limits: noLimits,
});

/** Whoever calls where no keys are asked for, and who works with the store itself. */
export const anonymousOperator = operator(null);
const adminIdentity = operator('admin');

const hasBudget = ({ budgetUsdDay, budgetTokensDay, budgetUsdMonth, budgetTokensMonth }: KeyLimits): boolean =>
  [budgetUsdDay, budgetTokensDay, budgetUsdMonth, budgetTokensMonth].some((limit) => limit !== null);

/** Whose budgets a caller spends. */
export const spenderOf = ({ tenantId, keyId, limits }: Identity): Spender => ({
  tenantId,
  key: keyId !== null && hasBudget(limits) ? { id: keyId, budgets: limits } : null,
});

/** Whether a key is asked for, and which ones there are. */
export type AuthenticatorDeps = {
  mode: 'api_key' | 'none';
  adminApiKey: string | undefined;
  keys: Pick<KeyCache, 'get' | 'isValid'>;
  use: LastUsedRecorder;
};

const refusal = (reason: string) => new ServiceError('unauthorized', { reason });

const identityOf = (key: ApiKey): Identity => ({
  tenantId: key.tenantId,
  keyId: key.id,
  scopes: key.scopes,
  isOperator: false,
  stored: true,
  limits: key,
});

/**
 * Says who a request is from by its `Authorization: Bearer <key>` (RFC 6750). A key is looked for by its id, which is no
 * secret, and compared as a digest in constant time, so that neither its length nor its beginning can be found out by
 * trying. What no key can be, by its checksum, is refused without a look into the store.
 */
export function createAuthenticator({ mode, adminApiKey, keys, use }: AuthenticatorDeps) {
  const adminDigest = adminApiKey === undefined ? null : digestOf(adminApiKey);

  return {
    /** @throws {ServiceError} `unauthorized`; `store_unavailable` where nobody can know */
    async identify(authorization: string | undefined): Promise<Identity> {
      if (mode === 'none') return anonymousOperator;
      const [, text] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
      if (text === undefined) throw refusal('Send an API key as "Authorization: Bearer <key>".');
      const digest = digestOf(text);
      if (adminDigest !== null && timingSafeEqual(digest, adminDigest)) return adminIdentity;
      const keyId = keyIdOf(text);
      const cached = keyId === null ? null : await keys.get(keyId);
      // Only whoever has the whole key is told what became of it.
      if (!cached?.found || !timingSafeEqual(digest, Buffer.from(cached.found.hash, 'hex'))) {
        throw refusal('This API key is not valid.');
      }
      const { key } = cached.found;
      if (key.revokedAtMs !== null) throw refusal('This API key was revoked.');
      if (!keys.isValid(cached)) throw refusal('This API key has expired.');
      use.note(key.id);
      return identityOf(key);
    },
  };
}

/** Says who a request is from. */
export type Authenticator = ReturnType<typeof createAuthenticator>;
