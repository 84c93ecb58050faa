import type { KeyCache, LastUsedRecorder } from '../keys/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import type { AccessControlOptions } from './access-plugin.ts';
import { createAuthenticator } from './authenticator.ts';
import { createMemoryRateLimiter } from './memory-rate-limiter.ts';

/** Dependencies of access control. */
export type WireAccessDeps = {
  settings: Pick<Settings, 'authMode' | 'adminApiKey' | 'rateLimit' | 'runTimeoutMs'>;
  store: Pick<Store, 'rateLimiter'>;
  keys: { cache: KeyCache; lastUsed: LastUsedRecorder };
  clock: Clock;
};

/** How long a request may wait for a store that hangs, before its time is known, in ms. */
const answerMsMax = 5_000;

/** Builds access control: the authentication of requests, and their rate limits. The store counts requests if it can. */
export const wireAccess = ({ settings, store, keys, clock }: WireAccessDeps): AccessControlOptions => ({
  authenticator: createAuthenticator({
    mode: settings.authMode,
    adminApiKey: settings.adminApiKey,
    keys: keys.cache,
    lastUsed: keys.lastUsed,
  }),
  limiter: store.rateLimiter ?? createMemoryRateLimiter({ clock }),
  rateLimit: settings.rateLimit,
  clock,
  // The embedded store does not hang: it is in this process.
  answerMsMax: store.rateLimiter === null ? null : Math.min(answerMsMax, settings.runTimeoutMs),
});
