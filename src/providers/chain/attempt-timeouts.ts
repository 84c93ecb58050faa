import type { Clock } from '../../platform/clock.ts';
import { createReleasingMap } from '../../platform/releasing-map.ts';
import { ProviderFault } from './faults/provider-fault.ts';

/** How long an attempt may take, in ms. */
export type AttemptLimits = {
  /** In all. */
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
  eventReceived(): void;
  /** Whether an event has arrived. */
  hasReceivedEvent(): boolean;
  /** The answer is complete: only the end of the connection is left. */
  answerCompleted(): void;
  /** Stops the timeouts. */
  stop(): void;
};

/** How often attempts are checked, in ms: they need not end to the millisecond. */
const checkMs = 50;
/** After the complete answer the end of the connection is waited for at most this long, in ms. */
const connectionEndMs = 500;

type RunningAttempt = { expireAt(nowMs: number): void };

/**
 * The three timeouts of each attempt: in all, until its first event, and between two events. When one of them expires,
 * the attempt's signal aborts with a `ProviderFault`; when `parent` aborts, it aborts with the reason of `parent`. One
 * timer serves all attempts while there are any: an event only records the time, and an attempt that ends in time costs
 * no timer of its own.
 */
export function createAttemptTimeouts(clock: Clock) {
  const running = createReleasingMap<number, RunningAttempt>();
  let begun = 0;
  let isChecking = false;

  async function checkWhileRunning(): Promise<void> {
    isChecking = true;
    while (running.size() > 0) {
      await clock.sleep(checkMs);
      const nowMs = clock.monotonicMs();
      for (const attempt of running.values()) attempt.expireAt(nowMs);
    }
    isChecking = false;
  }

  return (limits: AttemptLimits, parent: AbortSignal | undefined): AttemptTimeout => {
    const { firstEventMs = Number.POSITIVE_INFINITY, idleMs = Number.POSITIVE_INFINITY } = limits;
    const controller = new AbortController();
    const startedMs = clock.monotonicMs();
    let endsMs = startedMs + limits.totalMs;
    let lastEventMs = startedMs;
    let events = 0;

    const attempt: RunningAttempt = {
      expireAt(nowMs) {
        const idleUntilMs = lastEventMs + (events === 0 ? firstEventMs : idleMs);
        if (nowMs < endsMs && nowMs < idleUntilMs) return;
        const isStalled = events > 0 && nowMs < endsMs;
        const what = isStalled ? 'stopped in the middle of its answer' : 'did not answer in time';
        stop();
        controller.abort(new ProviderFault(isStalled ? 'stalled' : 'timed_out', `The provider ${what}.`));
      },
    };
    const onParentAbort = () => controller.abort(parent?.reason);
    if (parent?.aborted) onParentAbort();
    parent?.addEventListener('abort', onParentAbort, { once: true });
    begun += 1;
    const number = begun;
    running.set(number, attempt);
    if (!isChecking) void checkWhileRunning();

    function stop(): void {
      running.delete(number);
      parent?.removeEventListener('abort', onParentAbort);
    }

    return {
      signal: controller.signal,
      eventReceived(): void {
        events += 1;
        lastEventMs = clock.monotonicMs();
      },
      hasReceivedEvent: () => events > 0,
      answerCompleted(): void {
        endsMs = Math.min(endsMs, clock.monotonicMs() + connectionEndMs);
      },
      stop,
    };
  };
}

/** See `createAttemptTimeouts`. */
export type AttemptTimeouts = ReturnType<typeof createAttemptTimeouts>;
