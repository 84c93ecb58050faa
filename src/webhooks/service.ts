import { ServiceError } from '../platform/errors.ts';
import type { DeliveryFilter, Page, Webhook, WebhookDelivery, WebhookStore } from '../storage/port/index.ts';
import { mistakeIn, type UrlRule } from './address.ts';

/** What the service stands on. */
export type WebhookServiceDeps = {
  store: Pick<WebhookStore, 'list' | 'retry'>;
  /** Whether deliveries can be signed. */
  canSign: boolean;
  urls: UrlRule;
};

/** Whom runs may tell, and what they were told. */
export function createWebhookService({ store, canSign, urls }: WebhookServiceDeps) {
  function assertCanSign(): void {
    if (!canSign) throw new ServiceError('webhooks_not_configured', {});
  }

  return {
    /**
     * The webhook of a new run, its URL in its usual form.
     *
     * @throws {ServiceError} `webhooks_not_configured`, or `validation_failed` if nothing may be sent to the URL
     */
    accept({ url, events }: Webhook): Webhook {
      assertCanSign();
      const message = mistakeIn(url, urls);
      if (message === null) return { url: new URL(url).href, events };
      const errors = [{ path: 'webhook.url', message }];
      throw new ServiceError('validation_failed', { reason: `webhook.url ${message}.` }, { errors });
    },

    /** Newest first. */
    list: (
      tenantId: string,
      filter: DeliveryFilter,
      limit: number,
      before: string | null,
    ): Promise<Page<WebhookDelivery, string>> => store.list(tenantId, filter, limit, before),

    /** Has a delivery made anew. @throws {ServiceError} `webhooks_not_configured`, `not_found` */
    async retry(tenantId: string, id: string): Promise<WebhookDelivery> {
      assertCanSign();
      const delivery = await store.retry(tenantId, id);
      if (!delivery) throw new ServiceError('not_found', { what: `Webhook delivery ${id}` });
      return delivery;
    },
  };
}

/** Whom runs may tell, and what they were told. */
export type WebhookService = ReturnType<typeof createWebhookService>;
