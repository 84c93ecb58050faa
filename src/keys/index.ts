export { keyRoutes } from './routes.ts';
export { createKeyBody, tenantSchema } from './schemas.ts';
export { createKeyService, type KeyService } from './service.ts';
export { toKeyView } from './view.ts';
