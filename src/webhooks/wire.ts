import type { Clock } from '../platform/clock.ts';
import { createAddressRule } from '../platform/http/public-address.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { packageVersion } from '../platform/versions.ts';
import { type Store, webhookUrlCharsMax } from '../storage/port/index.ts';
import { createDispatcher } from './dispatcher.ts';
import { createWebhookMetrics } from './metrics.ts';
import { createSender } from './sender.ts';
import { createWebhookService, type WebhookService } from './service.ts';

/** What webhooks are built from. */
export type WireWebhooksDeps = {
  settings: Pick<Settings, 'webhooks'>;
  store: Store;
  metrics: Metrics;
  clock: Clock;
  log: Logger;
};

/** Builds webhooks: the `service` that accepts and lists them, and the `dispatcher` that delivers them. */
export function wireWebhooks({ settings, store: { webhooks: store }, metrics, clock, log }: WireWebhooksDeps): {
  service: WebhookService;
  dispatcher: Service;
} {
  const { secrets, allowNetworks, allowHttp } = settings.webhooks;
  const isAllowed = createAddressRule(allowNetworks);
  return {
    service: createWebhookService({
      store,
      canSign: secrets.length > 0,
      urls: { allowHttp, isAllowed, charsMax: webhookUrlCharsMax },
    }),
    dispatcher: createDispatcher({
      store,
      send: createSender({ isAllowed, clock }),
      secrets,
      userAgent: `agent-service/${packageVersion()}`,
      metrics: createWebhookMetrics({ store, metrics }),
      clock,
      random: Math.random,
      log,
    }),
  };
}
