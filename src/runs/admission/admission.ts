import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { createArrivalRate } from './arrival-rate.ts';
import { createRetryAfterEstimate } from './retry-after-estimate.ts';
import { createServiceTime } from './service-time.ts';
import type { ShedReason } from './shed-reason.ts';
import { createSlotQueue } from './slot-queue.ts';
import type { Slots } from './slots.ts';

/** How long a run is assumed to hold its slot before the first one was measured, in ms. */
const assumedServiceMs = 1_000;
/** The least share of the slots that is planned for retries of refused callers, however many new callers arrive. */
const retryShareMin = 0.2;
/** The share of the capacity left by new callers that is planned for retries: with all of it, chance alone would refuse many again. */
const spareShare = 0.8;

/** What admission reports: how many callers wait, how long the admitted ones waited, and why runs are refused. */
export type AdmissionMetrics = {
  waiting(callers: number): void;
  admitted(waitedMs: number): void;
  shed(reason: ShedReason): void;
};

/** Dependencies of admission. */
export type AdmissionDeps = {
  slots: Slots;
  /** Callers that may wait at once; 0 for none. */
  waitersMax: number;
  /** How many background runs hold a slot at the moment: their end says nothing about how fast the queue advances. */
  background(): number;
  /** How many callers of a tenant are served in a row. Defaults to 1 for all. */
  weightOf?(tenantId: string): number;
  metrics: AdmissionMetrics;
  clock: Clock;
};

/** A request for a slot: its answer is of use until `deadlineMs`, on the monotonic clock, and while the client is connected. */
export type SlotRequest = { tenantId: string; deadlineMs: number; disconnected?: AbortSignal };

/** Estimates when slots become free, from the runs and requests of the past. */
function createCapacityEstimate({ slots, background, metrics, clock }: AdmissionDeps) {
  const serviceTime = createServiceTime();
  const retryAfterEstimate = createRetryAfterEstimate<string>();
  const arrivalRate = createArrivalRate();

  /** How often a slot becomes free while all are used, in ms. */
  function releasesEveryMs(): number {
    const usable = Math.max(1, slots.max - background());
    return (serviceTime.meanMs() ?? assumedServiceMs) / usable;
  }

  /** How often a slot becomes free for a retry, beside all new callers, in ms. */
  function retrySlotEveryMs(nowMs: number): number {
    const perMs = 1 / releasesEveryMs();
    return 1 / (spareShare * Math.max(perMs * retryShareMin, perMs - arrivalRate.perMs(nowMs)));
  }

  /** The error of a refused request, with the time after which the caller may retry. */
  function refusal(tenantId: string, reason: ShedReason, freeInMs = releasesEveryMs()): ServiceError {
    metrics.shed(reason);
    const nowMs = clock.monotonicMs();
    // Later by one run than a slot is free at the earliest: neither the length of runs nor the arrivals are certain.
    const slackMs = serviceTime.meanMs() ?? assumedServiceMs;
    const retryAfterMs = retryAfterEstimate.next(tenantId, nowMs, freeInMs + slackMs, retrySlotEveryMs(nowMs));
    arrivalRate.retries(nowMs + retryAfterMs);
    return new ServiceError('too_many_runs', {}, { retryAfterMs });
  }

  /** How late the answer of a run at this position of the queue would be, in ms; 0 before the first run has ended. */
  function lateByMs(position: number, deadlineMs: number): number {
    const serviceMs = serviceTime.meanMs();
    if (serviceMs === null) return 0;
    const waitMs = position * releasesEveryMs();
    return clock.monotonicMs() + waitMs + serviceMs - deadlineMs;
  }

  return {
    refusal,
    lateByMs,
    /** Counts a new request for a slot. */
    arrived: (): void => arrivalRate.arrived(clock.monotonicMs()),
    /** Adds the time for which a run held its slot. */
    served: (heldMs: number): void => serviceTime.add(heldMs),
  };
}

/** Aborts with the reason `deadline` at that time, unless `settled` aborts before. */
function abortAt(deadlineMs: number, clock: Clock, settled: AbortSignal): AbortSignal {
  const overdue = new AbortController();
  clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), settled).then(
    () => overdue.abort('deadline' satisfies ShedReason),
    () => {}, // the wait ended before the deadline
  );
  return overdue.signal;
}

/**
 * Admission of runs to the slots, with a queue for callers that wait for an answer. A caller is queued only if its run
 * can be expected to end before its deadline. A refused caller gets the time after which it may retry.
 */
export function createAdmission(deps: AdmissionDeps) {
  const { slots, waitersMax, weightOf = () => 1, metrics, clock } = deps;
  const capacity = createCapacityEstimate(deps);
  const queue = createSlotQueue({ callersMax: waitersMax, weightOf, onChange: metrics.waiting });

  async function wait({ tenantId, deadlineMs, disconnected }: SlotRequest): Promise<void> {
    const queuedMs = clock.monotonicMs();
    const settled = new AbortController();
    const overdue = abortAt(deadlineMs, clock, settled.signal);
    try {
      const leave = AbortSignal.any(disconnected ? [disconnected, overdue] : [overdue]);
      await queue.waitForCaller(tenantId, leave);
      metrics.admitted(clock.monotonicMs() - queuedMs);
    } catch (reason) {
      if (reason instanceof ServiceError) throw reason;
      if (disconnected?.aborted) throw new ServiceError('cancelled', {});
      throw capacity.refusal(tenantId, reason as ShedReason);
    } finally {
      settled.abort();
    }
  }

  slots.onHandOver(queue.grantNext);

  return {
    /**
     * Acquires a slot: null if one was free, else a promise for it. A waiting caller leaves the queue when its client
     * disconnects, at its deadline, and when all are rejected.
     *
     * @throws {ServiceError} `too_many_runs`, `cancelled`, or the error of `rejectAll`
     */
    enter(request: SlotRequest): Promise<void> | null {
      capacity.arrived();
      if (slots.tryAcquire()) return null; // no caller waits while a slot is free
      const { tenantId, deadlineMs } = request;
      const lateMs = waitersMax > 0 ? capacity.lateByMs(queue.positionOf(tenantId), deadlineMs) : 0;
      if (lateMs > 0) throw capacity.refusal(tenantId, 'too_late', lateMs);
      if (!queue.admits(tenantId, 'gave_way' satisfies ShedReason)) throw capacity.refusal(tenantId, 'line_full');
      return wait(request);
    },

    /** The error of a request that is refused for another reason, with the time after which the caller may retry. */
    refusal: (tenantId: string, reason: ShedReason): ServiceError => capacity.refusal(tenantId, reason),

    /**
     * Waits for a slot for a run that is queued in the store, in fair order with the waiting callers: while there are
     * any, no slot becomes free. Null if no caller waits; rejects when `signal` aborts.
     */
    waitForStore: (signal: AbortSignal): Promise<void> | null =>
      queue.callers() === 0 ? null : queue.waitForStore(signal),

    /** Records for how long a run that a caller waits for held its slot. */
    served: capacity.served,

    /** Rejects all waiting callers, each with an error of its own: the process stops. */
    rejectAll: queue.rejectAll,
  };
}

/** Admission of runs to the slots. */
export type Admission = ReturnType<typeof createAdmission>;
