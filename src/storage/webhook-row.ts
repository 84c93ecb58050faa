import type { ClaimedDelivery, DeliveryOutcome, WebhookDelivery } from './port/index.ts';
import { type RunRow, toRun } from './run-row.ts';

/** A row of `webhook_deliveries`, as far as the port shows it. */
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

/** The delivery that a row holds. */
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

/** A delivery that was claimed, with its run: as it is, and in `run_then`, as JSON, what of it was different then. */
export type ClaimedRow<Flag extends number | boolean> = {
  delivery: DeliveryRow & { attempts_before: number; run_then: string | null };
  run: RunRow<Flag>;
};

/** The delivery that was claimed. */
export function toClaimed<Flag extends number | boolean>({ delivery, run }: ClaimedRow<Flag>): ClaimedDelivery {
  const then = JSON.parse(delivery.run_then ?? '{}') as Partial<RunRow<Flag>>;
  return {
    delivery: toDelivery(delivery),
    round: delivery.attempts - delivery.attempts_before,
    run: toRun({ ...run, ...then }),
  };
}

/** What an outcome writes: status, HTTP status, error, and after how many ms to try again (null: not). */
export function outcomeValues(outcome: DeliveryOutcome): [string, number | null, string | null, number | null] {
  if (outcome.type === 'delivered') return ['delivered', outcome.lastStatus, null, null];
  const { lastStatus, lastError } = outcome;
  return outcome.type === 'retry'
    ? ['pending', lastStatus, lastError, outcome.inMs]
    : ['dead', lastStatus, lastError, null];
}
