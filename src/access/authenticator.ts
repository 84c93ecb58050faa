import { timingSafeEqual } from 'node:crypto';
import { digestOf, type KeyCache, keyIdOf, type LastUsedRecorder } from '../keys/index.ts';
import { ServiceError } from '../platform/errors.ts';
import type { ApiKey } from '../storage/port/index.ts';
import { adminOperator, anonymousOperator, type Identity } from '../tenancy/index.ts';

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
      if (adminDigest !== null && timingSafeEqual(digest, adminDigest)) return adminOperator;
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
