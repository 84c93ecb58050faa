import { ServiceError } from '../platform/errors.ts';
import { type UrlRule, urlMistake } from '../platform/http/public-address.ts';
import type { DeliveryFilter, Page, Webhook, WebhookDelivery, WebhookStore } from '../storage/port/index.ts';

/** Dependencies of the webhook service. */
export type WebhookServiceDeps = {
  store: Pick<WebhookStore, 'list' | 'retry'>;
  /** Whether deliveries can be signed. */
  canSign: boolean;
  urls: UrlRule;
};

/** Accepts the webhooks of new runs, and lists and retries their deliveries. */
export function createWebhookService({ store, canSign, urls }: WebhookServiceDeps) {
  function assertCanSign(): void {
    if (!canSign) throw new ServiceError('webhooks_not_configured', {});
  }

  return {
    /**
     * Checks the webhook of a new run and normalises its URL.
     *
     * @throws {ServiceError} `webhooks_not_configured`, or `validation_failed` if the URL is not allowed
     */
    accept({ url, events }: Webhook): Webhook {
      assertCanSign();
      const message = urlMistake(url, urls);
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

    /** Makes a delivery due again, with all its attempts. @throws {ServiceError} `webhooks_not_configured`, `not_found` */
    async retry(tenantId: string, id: string): Promise<WebhookDelivery> {
      assertCanSign();
      const delivery = await store.retry(tenantId, id);
      if (!delivery) throw new ServiceError('not_found', { what: `Webhook delivery ${id}` });
      return delivery;
    },
  };
}

/** Accepts the webhooks of new runs, and lists and retries their deliveries. */
export type WebhookService = ReturnType<typeof createWebhookService>;
