import type { Page, Run, WebhookEvent } from './types.ts';

/** The states of a delivery: still to be made, made, or given up. */
export const webhookStatuses = ['pending', 'delivered', 'dead'] as const;
/** One of `webhookStatuses`. */
export type WebhookStatus = (typeof webhookStatuses)[number];

/** The delivery of one event to one URL. */
export type WebhookDelivery = {
  id: string;
  tenantId: string;
  runId: string;
  url: string;
  event: WebhookEvent;
  status: WebhookStatus;
  /** How often it was tried, over all rounds. */
  attempts: number;
  /** The HTTP status of the last answer; null where there was none. */
  lastStatus: number | null;
  /** Why the last attempt failed. */
  lastError: string | null;
  /** While it is pending. During an attempt: when its lease expires and another process tries again. */
  nextAttemptAtMs: number | null;
  /** When the event happened. */
  createdAtMs: number;
  deliveredAtMs: number | null;
};

/** A delivery that this process attempts from now on. */
export type ClaimedDelivery = {
  delivery: WebhookDelivery;
  /** Which attempt this is since the event, or since a retry was requested; from 1. */
  round: number;
  /** The run as it was when the event happened. */
  run: Run;
};

/** Which deliveries to claim. */
export type ClaimDeliveries = {
  /** Deliveries at most. */
  limit: number;
  /** Deliveries of one tenant at most, so that a slow receiver does not block other tenants. */
  tenantMax: number;
  /** Tenants that have enough running deliveries already. */
  passOver: readonly string[];
  /** How long no other process attempts them, in ms; then the process that claimed them counts as dead. */
  leaseMs: number;
};

/** The outcome of an attempt. */
export type DeliveryOutcome =
  | { type: 'delivered'; lastStatus: number }
  | { type: 'retry'; inMs: number; lastStatus: number | null; lastError: string }
  | { type: 'dead'; lastStatus: number | null; lastError: string };

/** Which deliveries a list shows; every condition given must hold. */
export type DeliveryFilter = { status?: WebhookStatus; runId?: string };

/**
 * The outbox of webhooks. A delivery is written in the transaction in which its run ends or pauses, for each event that
 * the run's `webhook` names. It is made at least once, by any process, and is removed with its run.
 */
export interface WebhookStore {
  /**
   * Claims deliveries of all tenants that are due, the oldest due time first. Several processes claim at once
   * without waiting for each other, and never the same delivery. One statement on Postgres.
   */
  claim(options: ClaimDeliveries): Promise<ClaimedDelivery[]>;

  /**
   * Records the outcome of an attempt. False if nothing was written, since another process has claimed the delivery or a
   * retry was requested meanwhile; a success is recorded all the same, unless another success is recorded already.
   */
  record(claimed: ClaimedDelivery, outcome: DeliveryOutcome): Promise<boolean>;

  /** Newest first; `before` is the id of the last delivery of the page before. */
  list(
    tenantId: string,
    filter: DeliveryFilter,
    limit: number,
    before: string | null,
  ): Promise<Page<WebhookDelivery, string>>;

  /**
   * Makes a delivery due again, at once and with all its attempts, whatever its status. Returns it as it is now, or null
   * if this tenant has none of that id.
   */
  retry(tenantId: string, id: string): Promise<WebhookDelivery | null>;

  /** How many deliveries are pending and dead, over all tenants. */
  count(): Promise<Record<'pending' | 'dead', number>>;
}
