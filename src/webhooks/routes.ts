import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { fromCursor, pageQuery, pageView, toCursor } from '../platform/http/paging.ts';
import { problems } from '../platform/http/problem.ts';
import { deliveryCursor, deliveryParams, deliveryView, listDeliveriesQuery } from './schemas.ts';
import type { WebhookService } from './service.ts';
import { toDeliveryView } from './view.ts';

/** Lists the deliveries to webhooks, and makes them again. */
export const webhookRoutes: FastifyPluginAsyncZod<{ webhooks: WebhookService }> = async (app, { webhooks }) => {
  app.get(
    '/webhooks',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'List deliveries to webhooks, newest first',
        tags: ['webhooks'],
        querystring: z.strictObject({ ...listDeliveriesQuery, ...pageQuery }),
        response: { 200: pageView(deliveryView).meta({ id: 'WebhookDeliveryPage' }), ...problems },
      },
    },
    async ({ query, caller }) => {
      const filter = { status: query.status, runId: query.run_id };
      const before = fromCursor(deliveryCursor, query.cursor);
      const page = await webhooks.list(caller.tenantId, filter, query.limit, before?.id ?? null);
      const next = toCursor(page.next === null ? null : { id: page.next });
      return { data: page.data.map(toDeliveryView), next_cursor: next };
    },
  );

  app.post(
    '/webhooks/:id/retry',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'retryWebhookDelivery',
        summary: 'Have a delivery made anew, at once and with all its attempts',
        tags: ['webhooks'],
        params: deliveryParams,
        response: { 200: deliveryView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toDeliveryView(await webhooks.retry(caller.tenantId, id)),
  );
};
