import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { ClaimedDelivery, DeliveryOutcome, WebhookStore } from '../storage/port/index.ts';
import { type Attempt, nextDelivery } from './delivery-retry-policy.ts';
import type { WebhookMetrics } from './metrics.ts';
import { payloadOf } from './payload.ts';
import type { Sender } from './sender.ts';
import { sign } from './signature.ts';

/** How often the store is asked to record an outcome, and the delay between two tries, in ms. */
const recordAttemptsMax = 5;
const recordDelayMs = 1_000;

/** Dependencies of a delivery attempt. */
export type DeliveryAttemptDeps = {
  store: Pick<WebhookStore, 'record'>;
  send: Sender;
  /** The secrets that deliveries are signed with; without a secret no delivery is made. */
  secrets: readonly string[];
  /** The value of the header `user-agent`. */
  userAgent: string;
  metrics: WebhookMetrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Logger;
};

/** Attempts claimed deliveries and records the outcomes. An abort of `cut` cuts the attempts short. */
export function createDeliveryAttempt(deps: DeliveryAttemptDeps, cut: AbortSignal) {
  const { store, send, secrets, userAgent, metrics, clock, random, log } = deps;

  async function post(claimed: ClaimedDelivery): Promise<Attempt> {
    const { id, url } = claimed.delivery;
    try {
      const body = payloadOf(claimed);
      const headers = { ...sign(secrets, id, clock.nowMs(), body), 'user-agent': userAgent };
      return await send({ url, headers, body }, cut);
    } catch (error) {
      // An internal error counts as an attempt, so that the delivery is not retried for ever.
      log.error({ webhookId: id, err: error }, 'a webhook delivery could not be made');
      return { type: 'failed', reason: 'an error of the service' };
    }
  }

  /** A delivery whose outcome cannot be recorded is attempted again after its next claim: at-least-once delivery. */
  async function record(claimed: ClaimedDelivery, outcome: DeliveryOutcome): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await store.record(claimed, outcome);
        return;
      } catch (error) {
        if (tries === recordAttemptsMax || cut.aborted) throw error;
        await clock.sleep(recordDelayMs, cut).catch(() => {}); // after an abort, one last try
      }
    }
  }

  /** Never rejects. */
  return async (claimed: ClaimedDelivery): Promise<void> => {
    const { id, runId, tenantId, event, attempts } = claimed.delivery;
    const fields = { webhookId: id, runId, tenantId, event, attempts };
    try {
      const outcome = nextDelivery(await post(claimed), claimed.round, random);
      metrics.attempted(outcome);
      await record(claimed, outcome);
      if (outcome.type === 'dead')
        log.warn({ ...fields, reason: outcome.lastError }, 'a webhook delivery was given up');
      else log.debug({ ...fields, outcome }, 'webhook delivery attempted');
    } catch (error) {
      log.error({ ...fields, err: error }, 'what came of a webhook delivery could not be recorded; it is made again');
    }
  };
}
