export { sessionRoutes } from './routes.ts';
export type { SessionService } from './service.ts';
export { wireSessions } from './wire.ts';
