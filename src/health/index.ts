export { healthRoutes } from './routes.ts';
export { createHealth, type Health, type Readiness } from './service.ts';
