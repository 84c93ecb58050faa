import type { Readiness } from '../../health/index.ts';
import type { MetricsSnapshot } from './metrics-aggregator.ts';

/** Which store a service uses, and the environment that this is stamped with; null for none. */
export type StoreFacts = { place: string; environment: string | null };

/** Facts about a worker that serves. */
export type Serving = {
  /** The URL where the worker takes requests; null if it takes none. */
  url: string | null;
  /** Whether the service has at least one API key. */
  hasKey: boolean;
  store: StoreFacts;
};

/** A message from a worker to the primary. */
export type FromWorker =
  /** The worker listens to the primary from now on, and begins its start. */
  | { type: 'starting' }
  /** The start failed; the message is for the operator. */
  | { type: 'failed'; message: string }
  /** The start is complete. */
  | ({ type: 'serving' } & Serving)
  /** The heartbeat: sent at a fixed interval. */
  | { type: 'heartbeat'; readiness: Readiness; totals: MetricsSnapshot }
  /** The answer to `reportMetrics`. */
  | { type: 'metrics'; totals: MetricsSnapshot; gauges: MetricsSnapshot }
  /** The worker got a signal to end that the primary did not send. */
  | { type: 'signalled' };

/** A message from the primary to a worker. */
export type ToWorker =
  | { type: 'reportMetrics' }
  /** The worker finishes its work and ends. `all`: all workers end; otherwise the others continue to serve. */
  | { type: 'drain'; all: boolean };

/** The key that distinguishes these messages from those that an application sends over the same channel. */
const envelopeKey = 'agent-service';

/** Wraps a message for the channel. */
export const pack = (message: FromWorker | ToWorker) => ({ [envelopeKey]: message });

/** Reads what arrived on the channel; null if it is a message of the application. */
export function unpack<Message extends FromWorker | ToWorker>(received: unknown): Message | null {
  if (typeof received !== 'object' || received === null) return null;
  return ((received as Record<string, unknown>)[envelopeKey] as Message | undefined) ?? null;
}
