import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { packageVersion } from '../platform/versions.ts';
import type { WebhookStore } from '../storage/port/index.ts';
import {
  createAddressRule,
  createDispatcher,
  createSender,
  createWebhookMetrics,
  createWebhookService,
  type WebhookService,
} from './index.ts';

/** What webhooks stand on. */
export type WireWebhooksDeps = {
  store: WebhookStore;
  /** Where their figures are added. */
  registry: Registry;
  clock: Clock;
  log: Logger;
};

/** Webhooks as the settings want them: whom runs may tell, and the part of the process that does it. */
export function wireWebhooks(
  { secrets, allowNetworks, allowHttp }: Settings['webhooks'],
  { store, registry, clock, log }: WireWebhooksDeps,
): { service: WebhookService; dispatcher: Service } {
  const isAllowed = createAddressRule(allowNetworks);
  return {
    service: createWebhookService({ store, canSign: secrets.length > 0, urls: { allowHttp, isAllowed } }),
    dispatcher: createDispatcher({
      store,
      send: createSender({ isAllowed, clock }),
      secrets,
      userAgent: `agent-service/${packageVersion()}`,
      metrics: createWebhookMetrics({ store, registry }),
      clock,
      random: Math.random,
      log,
    }),
  };
}
