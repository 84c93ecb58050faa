export { keyRoutes } from './routes.ts';
export { createKeyBody } from './schemas.ts';
export { createKeyService, type KeyService } from './service.ts';
export { toKeyView } from './view.ts';
