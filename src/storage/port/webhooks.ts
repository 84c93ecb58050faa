import type { Page, Run, WebhookEvent } from './types.ts';

/** Where a delivery stands: still to be made, made, or given up. */
export const webhookStatuses = ['pending', 'delivered', 'dead'] as const;
/** One of `webhookStatuses`. */
export type WebhookStatus = (typeof webhookStatuses)[number];

/** One event that is told to one URL. */
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
  /** While it is pending. During an attempt: when another process takes this one for dead and tries again. */
  nextAttemptAtMs: number | null;
  /** When the event happened. */
  createdAtMs: number;
  deliveredAtMs: number | null;
};

/** A delivery that this process attempts from now on. */
export type ClaimedDelivery = {
  delivery: WebhookDelivery;
  /** Which attempt this is since the event, or since somebody asked for the delivery anew; from 1. */
  round: number;
  /** The run as it was when the event happened. */
  run: Run;
};

/** What to claim. */
export type ClaimDeliveries = {
  /** At most so many. */
  limit: number;
  /** At most so many of one tenant, so that one whose receiver is slow leaves room for others. */
  tenantMax: number;
  /** Tenants that have enough under way already. */
  passOver: readonly string[];
  /** How long nobody else attempts them, in ms; then the process that claimed them is taken for dead. */
  leaseMs: number;
};

/** What became of an attempt. */
export type DeliveryOutcome =
  | { type: 'delivered'; lastStatus: number }
  | { type: 'retry'; inMs: number; lastStatus: number | null; lastError: string }
  | { type: 'dead'; lastStatus: number | null; lastError: string };

/** Which deliveries a list shows; every condition given must hold. */
export type DeliveryFilter = { status?: WebhookStatus; runId?: string };

/**
 * What webhooks are to be told. A delivery is written in the transaction in which its run ends or pauses, whoever does
 * that, for each event that the run's `webhook` names. It is made at least once, by any process, and goes with its run
 * when that is removed.
 */
export interface WebhookStore {
  /**
   * Claims deliveries of all tenants that are due, those that are due longest first. Several processes claim at once
   * without waiting for each other, and never the same delivery. One statement on Postgres.
   */
  claim(options: ClaimDeliveries): Promise<ClaimedDelivery[]>;

  /**
   * Records what became of an attempt. False if nothing was written, since somebody else has claimed the delivery or
   * asked for it anew meanwhile; a success is recorded all the same, unless another one is.
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
   * Has a delivery made anew, at once and with all its attempts, wherever it stands. Returns it as it is now, or null if
   * this tenant has none of that id.
   */
  retry(tenantId: string, id: string): Promise<WebhookDelivery | null>;

  /** How many there are that are not delivered, over all tenants. */
  count(): Promise<Record<'pending' | 'dead', number>>;
}
