import type { ClaimedDelivery, DeliveryOutcome, WebhookDelivery } from './port/index.ts';
import { type RunRow, toRun } from './run-row.ts';

/** A row of `webhook_deliveries`, with the columns that the port shows. */
export type DeliveryRow = {
  id: string;
  tenant_id: string;
  run_id: string;
  url: string;
  event: WebhookDelivery['event'];
  status: WebhookDelivery['status'];
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  next_attempt_at_ms: number | null;
  created_at_ms: number;
  delivered_at_ms: number | null;
};

/** Every column of `DeliveryRow`. */
export const deliveryColumns = [
  'id',
  'tenant_id',
  'run_id',
  'url',
  'event',
  'status',
  'attempts',
  'last_status',
  'last_error',
  'next_attempt_at_ms',
  'created_at_ms',
  'delivered_at_ms',
] as const satisfies (keyof DeliveryRow)[];

/** The delivery of a row. */
export const toDelivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  tenantId: row.tenant_id,
  runId: row.run_id,
  url: row.url,
  event: row.event,
  status: row.status,
  attempts: row.attempts,
  lastStatus: row.last_status,
  lastError: row.last_error,
  nextAttemptAtMs: row.next_attempt_at_ms,
  createdAtMs: row.created_at_ms,
  deliveredAtMs: row.delivered_at_ms,
});

/** A claimed delivery with its run as it is now; `run_then` has, as JSON, the columns that differed at the event. */
export type ClaimedRow<Flag extends number | boolean> = {
  delivery: DeliveryRow & { attempts_before: number; run_then: string | null };
  run: RunRow<Flag>;
};

/** The claimed delivery of a row. */
export function toClaimed<Flag extends number | boolean>({ delivery, run }: ClaimedRow<Flag>): ClaimedDelivery {
  const then = JSON.parse(delivery.run_then ?? '{}') as Partial<RunRow<Flag>>;
  return {
    delivery: toDelivery(delivery),
    round: delivery.attempts - delivery.attempts_before,
    run: toRun({ ...run, ...then }),
  };
}

/** The values of an outcome: status, HTTP status, error, and in how many ms to try again (null: never). */
export function outcomeValues(outcome: DeliveryOutcome): [string, number | null, string | null, number | null] {
  if (outcome.type === 'delivered') return ['delivered', outcome.lastStatus, null, null];
  const { lastStatus, lastError } = outcome;
  return outcome.type === 'retry'
    ? ['pending', lastStatus, lastError, outcome.inMs]
    : ['dead', lastStatus, lastError, null];
}
