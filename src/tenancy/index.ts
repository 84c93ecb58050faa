export { type Authenticator, createAuthenticator } from './authenticator.ts';
export { registerGuard } from './guard-plugin.ts';
export { createMemoryRateLimiter } from './memory-rate-limiter.ts';
