import type { Clock } from '../platform/clock.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { ClaimedDelivery, DeliveryOutcome, WebhookStore } from '../storage/port/index.ts';
import { type Attempt, decide } from './delivery-state.ts';
import type { WebhookMetrics } from './metrics.ts';
import { payloadOf } from './payload.ts';
import { answerMs, type Sender } from './sender.ts';
import { sign } from './signature.ts';

/** How often deliveries that are due are looked for, in ms. */
const lookMs = 1_000;
/** Attempts that a process makes at once. */
const attemptsAtOnceMax = 32;
/** Deliveries of one tenant in a claim; a tenant that has as many under way is passed over. */
const tenantMax = 8;
/** How often what came of an attempt is tried to be recorded, and the pause between, in ms. */
const recordAttemptsMax = 5;
const recordPauseMs = 1_000;
/** For how long a delivery is claimed, in ms: an attempt and its record fit in. */
const leaseMs = answerMs + 20_000;
/** How long attempts under way may go on when the process ends, in ms. */
const stopMs = 2_000;

/** What delivering stands on. */
export type DispatcherDeps = {
  store: Pick<WebhookStore, 'claim' | 'record'>;
  send: Sender;
  /** With which deliveries are signed; without any none is made. */
  secrets: readonly string[];
  /** Who delivers, for the header `user-agent`. */
  userAgent: string;
  metrics: WebhookMetrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Logger;
};

/** Makes deliveries that are due, of all tenants. Every process does it; each delivery is claimed by one. */
export function createDispatcher(deps: DispatcherDeps): Service {
  const { store, send, secrets, userAgent, metrics, clock, random, log } = deps;
  const stopping = new AbortController();
  const cut = new AbortController();
  const underWay = new Map<string, { tenantId: string; done: Promise<void> }>();
  let looking: Promise<void> = Promise.resolve();
  let wake = () => {};
  /** Whether the last look may have left deliveries behind: only then an attempt that is over is worth another. */
  let leftBehind = false;

  async function post(claimed: ClaimedDelivery): Promise<Attempt> {
    const { id, url } = claimed.delivery;
    try {
      const body = payloadOf(claimed);
      const headers = { ...sign(secrets, id, clock.nowMs(), body), 'user-agent': userAgent };
      return await send({ url, headers, body }, cut.signal);
    } catch (error) {
      // A fault of ours counts as an attempt, so that it does not go on for ever.
      log.error({ webhookId: id, err: error }, 'a webhook delivery could not be made');
      return { type: 'failed', reason: 'an error of the service' };
    }
  }

  /** What cannot be recorded is tried again by whoever claims it next: twice is better than never. */
  async function record(claimed: ClaimedDelivery, outcome: DeliveryOutcome): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await store.record(claimed, outcome);
        return;
      } catch (error) {
        if (tries === recordAttemptsMax || cut.signal.aborted) throw error;
        await clock.sleep(recordPauseMs, cut.signal).catch(() => {}); // then a last time
      }
    }
  }

  async function deliver(claimed: ClaimedDelivery): Promise<void> {
    const { id, runId, tenantId, event, attempts } = claimed.delivery;
    const facts = { webhookId: id, runId, tenantId, event, attempts };
    try {
      const outcome = decide(await post(claimed), claimed.round, random);
      metrics.attempted(outcome);
      await record(claimed, outcome);
      if (outcome.type === 'dead') log.warn({ ...facts, reason: outcome.lastError }, 'a webhook delivery was given up');
      else log.debug({ ...facts, outcome }, 'webhook delivery attempted');
    } catch (error) {
      log.error({ ...facts, err: error }, 'what came of a webhook delivery could not be recorded; it is made again');
    }
  }

  function begin(claimed: ClaimedDelivery): void {
    const { id, tenantId } = claimed.delivery;
    const done = deliver(claimed).finally(() => {
      underWay.delete(id);
      if (leftBehind) wake();
    });
    underWay.set(id, { tenantId, done });
  }

  /** Tenants that have their share under way. */
  function busyTenants(): string[] {
    const counts = new Map<string, number>();
    for (const { tenantId } of underWay.values()) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= tenantMax).map(([tenantId]) => tenantId);
  }

  async function look(): Promise<void> {
    const limit = attemptsAtOnceMax - underWay.size;
    leftBehind = true;
    if (limit <= 0) return;
    const passOver = busyTenants();
    const claimed = await store.claim({ limit, tenantMax: Math.min(tenantMax, limit), passOver, leaseMs });
    leftBehind = passOver.length > 0 || claimed.length >= Math.min(tenantMax, limit);
    for (const each of claimed) begin(each);
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      await look().catch((error: unknown) => log.warn({ err: error }, 'webhook deliveries could not be claimed'));
      await clock.sleep(lookMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'webhooks',
    async start() {
      if (secrets.length > 0) looking = loop();
    },
    /** Attempts under way have a moment to come to their end; those that do not are due again for other processes. */
    async stop(deadline) {
      stopping.abort();
      await looking;
      const rest = Promise.all([...underWay.values()].map(({ done }) => done));
      const patience = new AbortController();
      const late = clock.sleep(stopMs, AbortSignal.any([deadline, patience.signal])).catch(() => {});
      await Promise.race([rest, late]);
      cut.abort();
      patience.abort();
      await rest;
    },
  };
}
