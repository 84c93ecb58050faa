import type { Service } from '../platform/lifecycle.ts';
import type { WebhookStore } from '../storage/port/index.ts';
import { createActiveDeliveries } from './active-deliveries.ts';
import { createDeliveryAttempt, type DeliveryAttemptDeps } from './delivery-attempt.ts';
import { answerMs } from './sender.ts';

/** The interval at which the store is polled for deliveries that are due, in ms. */
const pollMs = 1_000;
/** The most concurrent attempts of a process. */
const attemptsAtOnceMax = 32;
/** The most deliveries of one tenant in a claim. A tenant with as many active deliveries is skipped. */
const tenantMax = 8;
/** The lease of a claimed delivery, in ms: longer than an attempt and its record together. */
const leaseMs = answerMs + 20_000;
/** How long active attempts may continue when the process ends, in ms. */
const stopMs = 2_000;

/** Dependencies of the dispatcher. */
export type DispatcherDeps = DeliveryAttemptDeps & { store: Pick<WebhookStore, 'claim' | 'record'> };

/** Makes the deliveries that are due, of all tenants. Each process has a dispatcher; one process claims a delivery. */
export function createDispatcher(deps: DispatcherDeps): Service {
  const { store, secrets, clock, log } = deps;
  const stopping = new AbortController();
  const cut = new AbortController();
  const active = createActiveDeliveries();
  const attempt = createDeliveryAttempt(deps, cut.signal);
  let polling: Promise<void> = Promise.resolve();
  let pollNow = () => {};
  /** Whether the last poll may have left due deliveries: only then the end of an attempt is a reason to poll again. */
  let hasMore = false;

  async function poll(): Promise<void> {
    const limit = attemptsAtOnceMax - active.count();
    hasMore = true;
    if (limit <= 0) return;
    const passOver = active.tenantsAt(tenantMax);
    const claimed = await store.claim({ limit, tenantMax: Math.min(tenantMax, limit), passOver, leaseMs });
    hasMore = passOver.length > 0 || claimed.length >= Math.min(tenantMax, limit);
    for (const each of claimed) active.add(each.delivery, attempt(each), () => hasMore && pollNow());
  }

  async function pollLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      pollNow = () => woken.abort();
      await poll().catch((error: unknown) => log.warn({ err: error }, 'webhook deliveries could not be claimed'));
      await clock.sleep(pollMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'webhooks',
    async start() {
      if (secrets.length > 0) polling = pollLoop();
    },
    /** Active attempts may finish within `stopMs`. Those that do not are cut, and due again for other processes. */
    async stop(deadline) {
      stopping.abort();
      await polling;
      const done = active.done();
      const finished = new AbortController();
      const timeout = clock.sleep(stopMs, AbortSignal.any([deadline, finished.signal])).catch(() => {});
      await Promise.race([done, timeout]);
      cut.abort();
      finished.abort();
      await done;
    },
  };
}
