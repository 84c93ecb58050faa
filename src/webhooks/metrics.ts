import type { Metrics } from '../platform/metrics/metrics.ts';
import type { DeliveryOutcome, WebhookStore } from '../storage/port/index.ts';

const outcomes = { delivered: 'delivered', retry: 'failed', dead: 'dead' } as const satisfies Record<
  DeliveryOutcome['type'],
  string
>;

/** The metrics of webhooks; `src/platform/metrics/metrics-table.ts` describes them. */
export function createWebhookMetrics({ store, metrics }: { store: Pick<WebhookStore, 'count'>; metrics: Metrics }) {
  const attempts = metrics.counter('agent_service_webhook_attempts_total');
  for (const outcome of Object.values(outcomes)) attempts.inc({ outcome }, 0);
  metrics.gauge('agent_service_webhook_deliveries', async (gauge) => {
    const counts = await store.count().catch(() => null);
    if (counts === null) return gauge.reset(); // no value is better than an old one
    for (const [state, found] of Object.entries(counts)) gauge.set({ state }, found);
  });
  return { attempted: ({ type }: DeliveryOutcome): void => attempts.inc({ outcome: outcomes[type] }) };
}

/** The metrics of webhooks. */
export type WebhookMetrics = ReturnType<typeof createWebhookMetrics>;
