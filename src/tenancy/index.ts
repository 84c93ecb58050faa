export {
  type Authenticator,
  anonymousOperator,
  createAuthenticator,
  defaultTenant,
  type Identity,
} from './authenticator.ts';
export { registerGuard } from './guard-plugin.ts';
export { createKeyCache } from './key-cache.ts';
export { makeApiKey } from './key-format.ts';
export { createKeyUse } from './key-use.ts';
export { createKeyWatch, type KeyWatch } from './key-watch.ts';
export { createMemoryRateLimiter } from './memory-rate-limiter.ts';
