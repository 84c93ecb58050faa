import { Counter, Gauge, type Registry } from 'prom-client';
import type { DeliveryOutcome, WebhookStore } from '../storage/port/index.ts';

const outcomes = { delivered: 'delivered', retry: 'failed', dead: 'dead' } as const satisfies Record<
  DeliveryOutcome['type'],
  string
>;

/** The figures of webhooks, for Prometheus. Names and labels are public: `docs/runbook.md` lists them. */
export function createWebhookMetrics({ store, registry }: { store: Pick<WebhookStore, 'count'>; registry: Registry }) {
  const registers = [registry];
  const attempts = new Counter({
    name: 'agent_service_webhook_attempts_total',
    help: 'Attempts of this process to deliver to webhooks, by what came of them.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of Object.values(outcomes)) attempts.inc({ outcome }, 0);
  new Gauge({
    name: 'agent_service_webhook_deliveries',
    help: 'Deliveries to webhooks that have not succeeded, by state, in the whole store.',
    labelNames: ['state'],
    aggregator: 'max',
    registers,
    async collect() {
      const counts = await store.count().catch(() => null);
      if (counts === null) return this.reset(); // no figure is better than an old one
      for (const [state, found] of Object.entries(counts)) this.set({ state }, found);
    },
  });
  return { attempted: ({ type }: DeliveryOutcome): void => attempts.inc({ outcome: outcomes[type] }) };
}

/** The figures of webhooks. */
export type WebhookMetrics = ReturnType<typeof createWebhookMetrics>;
