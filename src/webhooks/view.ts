import { toTime } from '../runs/index.ts';
import type { WebhookDelivery } from '../storage/port/index.ts';
import type { DeliveryView } from './schemas.ts';

const toTimeOrNull = (atMs: number | null) => (atMs === null ? null : toTime(atMs));

/** A stored delivery as the API shows it. */
export const toDeliveryView = (delivery: WebhookDelivery): DeliveryView => ({
  id: delivery.id,
  run_id: delivery.runId,
  url: delivery.url,
  event: delivery.event,
  status: delivery.status,
  attempts: delivery.attempts,
  last_status: delivery.lastStatus,
  last_error: delivery.lastError,
  next_attempt_at: toTimeOrNull(delivery.nextAttemptAtMs),
  created_at: toTime(delivery.createdAtMs),
  delivered_at: toTimeOrNull(delivery.deliveredAtMs),
});
