import type { KeyCache, LastUsedRecorder } from '../keys/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createAuthenticator } from './authenticator.ts';
import { createMemoryRateLimiter } from './memory-rate-limiter.ts';

/** Dependencies of access control. */
export type WireAccessDeps = {
  settings: Pick<Settings, 'authMode' | 'adminApiKey' | 'rateLimit'>;
  store: Pick<Store, 'rateLimiter'>;
  keys: { cache: KeyCache; lastUsed: LastUsedRecorder };
  clock: Clock;
};

/** Builds access control: the authentication of requests, and their rate limits. The store counts requests if it can. */
export const wireAccess = ({ settings, store, keys, clock }: WireAccessDeps) => ({
  authenticator: createAuthenticator({
    mode: settings.authMode,
    adminApiKey: settings.adminApiKey,
    keys: keys.cache,
    lastUsed: keys.lastUsed,
  }),
  limiter: store.rateLimiter ?? createMemoryRateLimiter({ clock }),
  rateLimit: settings.rateLimit,
});
