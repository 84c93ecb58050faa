export { webhookRoutes } from './routes.ts';
export type { WebhookService } from './service.ts';
export { wireWebhooks } from './wire.ts';
