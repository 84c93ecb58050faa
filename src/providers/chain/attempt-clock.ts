import type { Clock } from '../../platform/clock.ts';
import { ProviderFault } from './fault.ts';

/** How long an attempt may take, in ms. */
export type AttemptLimits = {
  /** Over all. */
  totalMs: number;
  /** Until its first event, and between two events; for streams. Comments are no events. Defaults to no limit. */
  firstEventMs?: number;
  idleMs?: number;
};

/** See `createAttemptClock`. */
export type AttemptClock = {
  /** Aborts when the attempt is over. */
  readonly signal: AbortSignal;
  /** An event has arrived. */
  heard(): void;
  /** Whether anything has arrived. */
  hasHeard(): boolean;
  /** The answer is whole: what is left is the end of the connection. */
  nearlyOver(): void;
  /** Stops the clocks. */
  stop(): void;
};

/** After the whole answer nothing is waited for but the end of the connection, for so long, in ms. */
const endMs = 500;

/**
 * The three clocks of an attempt. When one of them runs out, `signal` aborts with a `ProviderFault`, and so does it with
 * the reason of `parent` when that aborts. One timer serves all: events only note the time.
 */
export function createAttemptClock(clock: Clock, limits: AttemptLimits, parent: AbortSignal | undefined): AttemptClock {
  const { firstEventMs = Number.POSITIVE_INFINITY, idleMs = Number.POSITIVE_INFINITY } = limits;
  let { totalMs } = limits;
  const controller = new AbortController();
  const over = new AbortController();
  const startedMs = clock.monotonicMs();
  let heardMs = startedMs;
  let events = 0;

  const quietUntilMs = () => heardMs + (events === 0 ? firstEventMs : idleMs);
  const dueMs = () => Math.min(startedMs + totalMs, quietUntilMs());

  function expire(): void {
    const quiet = quietUntilMs() < startedMs + totalMs;
    const stalled = quiet && events > 0;
    const what = stalled ? 'stopped in the middle of its answer' : 'did not answer in time';
    controller.abort(new ProviderFault(stalled ? 'stalled' : 'timed_out', `The provider ${what}.`));
  }

  async function watch(): Promise<void> {
    for (let leftMs = dueMs() - clock.monotonicMs(); leftMs > 0; leftMs = dueMs() - clock.monotonicMs()) {
      await clock.sleep(leftMs, over.signal);
    }
    expire();
  }

  const onParentAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onParentAbort();
  parent?.addEventListener('abort', onParentAbort, { once: true });
  watch().catch(() => {}); // the attempt was over before its time was

  return {
    signal: controller.signal,
    heard(): void {
      events += 1;
      heardMs = clock.monotonicMs();
    },
    hasHeard: (): boolean => events > 0,
    nearlyOver(): void {
      totalMs = Math.min(totalMs, clock.monotonicMs() - startedMs + endMs);
      watch().catch(() => {}); // over in time
    },
    stop(): void {
      over.abort('the attempt is over'); // without a reason an error with its stack is made
      parent?.removeEventListener('abort', onParentAbort);
    },
  };
}
