export { createAddressRule } from './address.ts';
export { createDispatcher } from './dispatcher.ts';
export { createWebhookMetrics } from './metrics.ts';
export { webhookRoutes } from './routes.ts';
export { createSender } from './sender.ts';
export { createWebhookService, type WebhookService } from './service.ts';
