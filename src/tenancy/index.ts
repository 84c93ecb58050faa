export {
  type Authenticator,
  anonymousOperator,
  createAuthenticator,
  defaultTenant,
  type Identity,
  spenderOf,
} from './authenticator.ts';
export * from './budgets/index.ts';
export { registerGuard } from './guard-plugin.ts';
export { createKeyCache, type KeyCache } from './key-cache.ts';
export { makeApiKey } from './key-format.ts';
export { createKeyUse } from './key-use.ts';
export { createKeyWatch, type KeyWatch } from './key-watch.ts';
export { createMemoryRateLimiter } from './memory-rate-limiter.ts';
