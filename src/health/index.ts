export { healthRoutes } from './routes.ts';
export { createHealth, type Health } from './service.ts';
