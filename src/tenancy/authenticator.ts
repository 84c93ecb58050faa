import { hash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../platform/errors.ts';

/** On whose behalf a request is made. */
export type Identity = {
  tenantId: string;
  /** The key it came with; null where none is asked for. */
  keyId: string | null;
};

/** The tenant of every caller until tenants have keys of their own. */
export const defaultTenant = 'default';

/** Whether a key is asked for, and which one there is. */
export type AuthenticatorOptions = { mode: 'api_key' | 'none'; adminApiKey: string | undefined };

const digest = (text: string) => hash('sha256', text, 'buffer');

/**
 * Says who a request is from by its `Authorization: Bearer <key>` (RFC 6750). Keys are compared as digests in constant
 * time, so that neither a key's length nor its beginning can be found out by trying.
 */
export function createAuthenticator({ mode, adminApiKey }: AuthenticatorOptions) {
  const adminDigest = adminApiKey === undefined ? null : digest(adminApiKey);

  return {
    /** @throws {ServiceError} `unauthorized` */
    identify(authorization: string | undefined): Identity {
      if (mode === 'none') return { tenantId: defaultTenant, keyId: null };
      const [, key] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
      if (key === undefined) {
        throw new ServiceError('unauthorized', { reason: 'Send an API key as "Authorization: Bearer <key>".' });
      }
      if (adminDigest === null || !timingSafeEqual(digest(key), adminDigest)) {
        throw new ServiceError('unauthorized', { reason: 'This API key is not valid.' });
      }
      return { tenantId: defaultTenant, keyId: 'admin' };
    },
  };
}

/** Says who a request is from. */
export type Authenticator = ReturnType<typeof createAuthenticator>;
