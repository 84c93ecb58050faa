export type { KeyCache } from './key-cache.ts';
export { digestOf, keyIdOf, makeApiKey } from './key-format.ts';
export type { KeyRevocationWatch } from './key-revocation-watch.ts';
export type { LastUsedRecorder } from './last-used.ts';
export { keyRoutes } from './routes.ts';
export { createKeyBody } from './schemas.ts';
export { createKeyService, type KeyService } from './service.ts';
export { toKeyView } from './view.ts';
export { wireKeys } from './wire.ts';
