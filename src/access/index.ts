export * from '../budgets/tenancy-index.ts';
export { createKeyCache, type KeyCache } from '../keys/key-cache.ts';
export { makeApiKey } from '../keys/key-format.ts';
export { createLastUsedRecorder } from '../keys/last-used.ts';
export { registerAccessControl } from './access-plugin.ts';
export {
  type Authenticator,
  anonymousOperator,
  createAuthenticator,
  defaultTenant,
  type Identity,
  spenderOf,
} from './authenticator.ts';
export { createKeyRevocationWatch, type KeyRevocationWatch } from './key-revocation-watch.ts';
export { createMemoryRateLimiter } from './memory-rate-limiter.ts';
