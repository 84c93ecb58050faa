import type { Readiness } from '../../health/index.ts';
import type { Figures } from './metrics-aggregator.ts';

/** What there is to tell of a worker that serves. */
export type Serving = {
  /** Where it takes requests; null where it takes none. */
  url: string | null;
  /** Whether anybody has a key for the service. */
  hasKey: boolean;
};

/** What a worker tells the primary. */
export type FromWorker =
  /** It listens to the primary from now on, and begins its start. */
  | { type: 'starting' }
  /** It could not start; what its operator has to know. */
  | { type: 'failed'; message: string }
  /** Its start is done. */
  | ({ type: 'serving' } & Serving)
  /** It lives: sent again and again. */
  | { type: 'alive'; readiness: Readiness; totals: Figures }
  /** The figures that it was asked for. */
  | { type: 'figures'; totals: Figures; gauges: Figures }
  /** Somebody else than the primary has told it to end. */
  | { type: 'signalled' };

/** What the primary tells a worker. */
export type ToWorker =
  | { type: 'tellFigures' }
  /** It is to finish what it has in hand and end; `all` with all others, else with others serving on. */
  | { type: 'drain'; all: boolean };

/** What tells our messages from those that an application sends over the same channel. */
const mark = 'agent-service';

/** A message as it goes over the channel. */
export const pack = (message: FromWorker | ToWorker) => ({ [mark]: message });

/** Reads what came over the channel; null for what is none of ours. */
export function unpack<Message extends FromWorker | ToWorker>(received: unknown): Message | null {
  if (typeof received !== 'object' || received === null) return null;
  return ((received as Record<string, unknown>)[mark] as Message | undefined) ?? null;
}
