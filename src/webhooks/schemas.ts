import { z } from 'zod';
import { webhookEvents, webhookStatuses } from '../storage/port/index.ts';

const time = z.iso.datetime({ precision: 3 });

/** A delivery on the wire. */
export const deliveryView = z
  .object({
    id: z.string().meta({ description: 'The same as the header webhook-id of each attempt.' }),
    run_id: z.string(),
    url: z.string(),
    event: z.enum(webhookEvents),
    status: z.enum(webhookStatuses).meta({ description: 'Pending, delivered, or given up.' }),
    attempts: z.int().nonnegative(),
    last_status: z.int().nullable().meta({ description: 'The HTTP status of the last answer.' }),
    last_error: z.string().nullable().meta({ description: 'Why the last attempt failed.' }),
    next_attempt_at: time.nullable(),
    created_at: time.meta({ description: 'When the event happened.' }),
    delivered_at: time.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
/** A delivery as JSON. */
export type DeliveryView = z.output<typeof deliveryView>;

const idSchema = z.string().min(1).max(100);

/** The filters of the list of deliveries. */
export const listDeliveriesQuery = {
  status: z.enum(webhookStatuses).optional(),
  run_id: idSchema.optional().meta({ description: 'Deliveries of this run.' }),
};

/** The path parameters of a delivery. */
export const deliveryParams = z.object({ id: idSchema });

/** The start of a page: the id of the last delivery on the previous page. */
export const deliveryCursor = z.strictObject({ id: idSchema });
