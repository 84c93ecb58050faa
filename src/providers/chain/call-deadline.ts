import type { Clock } from '../../platform/clock.ts';
import type { ModelCall } from '../model-call.ts';
import type { AttemptLimits } from './attempt-timeouts.ts';
import { attemptMsMin } from './faults/failover-policy.ts';

/** How long attempts may take, in ms. */
export type ChainLimits = {
  /** A model call over all its attempts. */
  callMs: number;
  /** Until the first event of a stream, and between two events. */
  firstEventMs: number;
  idleMs: number;
};

/** A run that has reached its deadline ends by that; its attempt must not time out just before. In ms. */
export const runDeadlineGraceMs = 1_000;
/** A call of a background run waits for at most this long; then the run goes back to the queue. In ms. */
const backgroundWaitMsMax = 5_000;

/** The time of one model call, over all its attempts: it ends with the run's deadline, or `callMs` after it began. */
export class CallDeadline {
  readonly #limits: ChainLimits;
  readonly #clock: Clock;
  readonly #isBackground: boolean;
  readonly #endsMs: number;
  readonly #graceMs: number;

  constructor(call: ModelCall | undefined, limits: ChainLimits, clock: Clock) {
    const callEndsMs = clock.monotonicMs() + limits.callMs;
    this.#limits = limits;
    this.#clock = clock;
    this.#isBackground = call?.interactive === false;
    this.#endsMs = Math.min(call?.deadlineMs ?? Number.POSITIVE_INFINITY, callEndsMs);
    this.#graceMs = this.#endsMs < callEndsMs ? runDeadlineGraceMs : 0;
  }

  /** The time that is left, in ms. */
  remainingMs(): number {
    return this.#endsMs - this.#clock.monotonicMs();
  }

  /** How long the call may wait for a permit or for the end of a pause, in ms. */
  waitMsMax(): number {
    const remainingMs = this.remainingMs();
    return this.#isBackground ? Math.min(backgroundWaitMsMax, remainingMs) : remainingMs;
  }

  /**
   * The limits of the next attempt. It has an equal share of the time that is left, the last one all of it; a stream has
   * that share until its first event, and then all of the time.
   *
   * @param laterAttempts how many other deployments could be asked after it
   */
  attemptLimits(streamed: boolean, laterAttempts: number): AttemptLimits {
    const allMs = Math.max(attemptMsMin, this.remainingMs());
    const shareMs = laterAttempts > 0 ? allMs / (laterAttempts + 1) : allMs + this.#graceMs;
    if (!streamed) return { totalMs: shareMs };
    const { firstEventMs, idleMs } = this.#limits;
    return { totalMs: allMs + this.#graceMs, firstEventMs: Math.min(firstEventMs, shareMs), idleMs };
  }
}
