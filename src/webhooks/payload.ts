import { toRunView, toTime } from '../runs/index.ts';
import type { ClaimedDelivery } from '../storage/port/index.ts';

/** The body of a delivery: the same text in every attempt. */
export const payloadOf = ({ delivery, run }: ClaimedDelivery): string =>
  JSON.stringify({ type: delivery.event, timestamp: toTime(delivery.createdAtMs), data: { run: toRunView(run) } });
