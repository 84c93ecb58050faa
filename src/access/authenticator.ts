import { timingSafeEqual } from 'node:crypto';
import { digestOf, type KeyCache, keyIdOf, type LastUsedRecorder } from '../keys/index.ts';
import { ServiceError } from '../platform/errors.ts';
import type { ApiKey } from '../storage/port/index.ts';
import { adminOperator, anonymousOperator, type Identity } from '../tenancy/index.ts';

/** Dependencies of the authenticator. */
export type AuthenticatorDeps = {
  /** Whether callers need a key. */
  mode: 'api_key' | 'none';
  adminApiKey: string | undefined;
  keys: Pick<KeyCache, 'get' | 'isValid'>;
  lastUsed: LastUsedRecorder;
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
 * Authenticates requests by their header `Authorization: Bearer <key>` (RFC 6750). A key is looked up by its id, which is
 * not secret, and compared as a digest in constant time, so that an attacker can find out neither its length nor its
 * beginning by trial. A text with a wrong checksum is refused without a query to the store.
 */
export function createAuthenticator({ mode, adminApiKey, keys, lastUsed }: AuthenticatorDeps) {
  const adminDigest = adminApiKey === undefined ? null : digestOf(adminApiKey);

  return {
    /**
     * The caller of a request.
     *
     * @throws {ServiceError} `unauthorized`; `store_unavailable` if the key has to be looked up and cannot be
     */
    async authenticate(authorization: string | undefined): Promise<Identity> {
      if (mode === 'none') return anonymousOperator;
      const [, text] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
      if (text === undefined) throw refusal('Send an API key as "Authorization: Bearer <key>".');
      const digest = digestOf(text);
      if (adminDigest !== null && timingSafeEqual(digest, adminDigest)) return adminOperator;
      const keyId = keyIdOf(text);
      const cached = keyId === null ? null : await keys.get(keyId);
      // Only a caller with the whole key learns that the key was revoked or has expired.
      if (!cached?.found || !timingSafeEqual(digest, Buffer.from(cached.found.hash, 'hex'))) {
        throw refusal('This API key is not valid.');
      }
      const { key } = cached.found;
      if (key.revokedAtMs !== null) throw refusal('This API key was revoked.');
      if (!keys.isValid(cached)) throw refusal('This API key has expired.');
      lastUsed.record(key.id);
      return identityOf(key);
    },
  };
}

/** See `createAuthenticator`. */
export type Authenticator = ReturnType<typeof createAuthenticator>;
