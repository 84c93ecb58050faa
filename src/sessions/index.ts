export { sessionRoutes } from './routes.ts';
export { createSessionService, type SessionService } from './service.ts';
