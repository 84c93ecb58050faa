import type { Clock } from '../../platform/clock.ts';
import { createReleasingMap } from '../../platform/releasing-map.ts';
import { ProviderFault } from './faults/provider-fault.ts';

/** How long an attempt may take, in ms. */
export type AttemptLimits = {
  /** Over all. */
  totalMs: number;
  /** Until its first event, and between two events; for streams. Comments are no events. Defaults to no limit. */
  firstEventMs?: number;
  idleMs?: number;
};

/** See `createAttemptTimeouts`. */
export type AttemptTimeout = {
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

/** How often the clocks are looked at, in ms: no attempt has to be over to the millisecond. */
const tickMs = 50;
/** After the whole answer nothing is waited for but the end of the connection, for so long, in ms. */
const endMs = 500;

type Running = { expireAt(nowMs: number): void };

/**
 * The three clocks of each attempt. When one of them runs out, the attempt's signal aborts with a `ProviderFault`, and so
 * does it with the reason of `parent` when that aborts. One timer serves all attempts, while there are any: events only
 * note the time, and an attempt that ends in time costs no timer of its own.
 */
export function createAttemptTimeouts(clock: Clock) {
  const running = createReleasingMap<number, Running>();
  let begun = 0;
  let ticking = false;

  async function tick(): Promise<void> {
    ticking = true;
    while (running.size() > 0) {
      await clock.sleep(tickMs);
      const nowMs = clock.monotonicMs();
      for (const each of running.values()) each.expireAt(nowMs);
    }
    ticking = false;
  }

  return (limits: AttemptLimits, parent: AbortSignal | undefined): AttemptTimeout => {
    const { firstEventMs = Number.POSITIVE_INFINITY, idleMs = Number.POSITIVE_INFINITY } = limits;
    const controller = new AbortController();
    const startedMs = clock.monotonicMs();
    let endsMs = startedMs + limits.totalMs;
    let heardMs = startedMs;
    let events = 0;

    const own: Running = {
      expireAt(nowMs) {
        const quietUntilMs = heardMs + (events === 0 ? firstEventMs : idleMs);
        if (nowMs < endsMs && nowMs < quietUntilMs) return;
        const stalled = events > 0 && nowMs < endsMs;
        const what = stalled ? 'stopped in the middle of its answer' : 'did not answer in time';
        stop();
        controller.abort(new ProviderFault(stalled ? 'stalled' : 'timed_out', `The provider ${what}.`));
      },
    };
    const onParentAbort = () => controller.abort(parent?.reason);
    if (parent?.aborted) onParentAbort();
    parent?.addEventListener('abort', onParentAbort, { once: true });
    begun += 1;
    const number = begun;
    running.set(number, own);
    if (!ticking) void tick();

    function stop(): void {
      running.delete(number);
      parent?.removeEventListener('abort', onParentAbort);
    }

    return {
      signal: controller.signal,
      heard(): void {
        events += 1;
        heardMs = clock.monotonicMs();
      },
      hasHeard: () => events > 0,
      nearlyOver(): void {
        endsMs = Math.min(endsMs, clock.monotonicMs() + endMs);
      },
      stop,
    };
  };
}

/** See `createAttemptTimeouts`. */
export type AttemptTimeouts = ReturnType<typeof createAttemptTimeouts>;
