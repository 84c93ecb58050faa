export { healthRoutes } from './routes.ts';
export type { Health, Readiness } from './service.ts';
export { wireHealth } from './wire.ts';
