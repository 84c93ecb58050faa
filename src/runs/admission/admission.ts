import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { RunMetrics } from '../metrics.ts';
import { createArrivalRate } from './arrival-rate.ts';
import { createFairQueue } from './fair-queue.ts';
import { createRetryAfterEstimate } from './retry-after-estimate.ts';
import { createServiceTime } from './service-time.ts';
import type { ShedReason } from './shed-reason.ts';
import type { Slots } from './slots.ts';

/** What a run is taken to need before the first one was measured, in ms. */
const assumedServiceMs = 1_000;
/** The share of what the places can do that those who come back are counted on to have, whoever else comes. */
const returningShareMin = 0.2;
/** How much of what is left beside the others is given to them: with all of it, chance alone would send many away again. */
const spareShare = 0.8;

/** The party of runs that are queued in the store: together they take turns like one tenant. */
const storeParty = Symbol('runs queued in the store');
type Party = string | typeof storeParty;

/** What admission stands on. */
export type AdmissionDeps = {
  slots: Slots;
  /** Those who may wait at once; 0 for none. */
  waitersMax: number;
  /** How many runs in the background hold a place at the moment: when they end says nothing about the line. */
  background(): number;
  /** How many turns in a row a tenant has. Defaults to 1 for all. */
  weightOf?(tenantId: string): number;
  metrics: Pick<RunMetrics, 'waiting' | 'admitted' | 'shed'>;
  clock: Clock;
};

/** Who wants a place, until when its answer is worth something, and when it has gone away. */
export type Entry = { tenantId: string; deadlineMs: number; gone?: AbortSignal };

type Waiter = { grant(): void; refuse(error: unknown): void };

/**
 * The line in front of the places, for callers who wait for an answer. It is in memory and bounded, and nothing is
 * stored for who stands in it. A run is let in line only if it can be expected to be answered in time; whoever is sent
 * away is told when to come back.
 */
export function createAdmission({ slots, waitersMax, background, weightOf = () => 1, metrics, clock }: AdmissionDeps) {
  const line = createFairQueue<Party, Waiter>((party) => (typeof party === 'string' ? weightOf(party) : 1));
  const serviceTime = createServiceTime();
  const returnTimes = createRetryAfterEstimate<string>();
  const freshDemand = createArrivalRate();

  const callers = () => line.size() - line.countOf(storeParty);
  const tellWaiting = () => metrics.waiting(callers());

  /** How often a place becomes free while all are taken, in ms. */
  function releasesEveryMs(): number {
    const places = Math.max(1, slots.max - background());
    return (serviceTime.meanMs() ?? assumedServiceMs) / places;
  }

  /** How often there is room for somebody who comes back, beside all who come for the first time, in ms. */
  function roomEveryMs(nowMs: number): number {
    const perMs = 1 / releasesEveryMs();
    return 1 / (spareShare * Math.max(perMs * returningShareMin, perMs - freshDemand.perMs(nowMs)));
  }

  function refusal(tenantId: string, reason: ShedReason, roomInMs = releasesEveryMs()): ServiceError {
    metrics.shed(reason);
    const nowMs = clock.monotonicMs();
    // One run's time later than there is room at the earliest: how long runs take, and who comes, are never quite known.
    const slackMs = serviceTime.meanMs() ?? assumedServiceMs;
    const retryAfterMs = returnTimes.book(tenantId, nowMs, roomInMs + slackMs, roomEveryMs(nowMs));
    freshDemand.returns(nowMs + retryAfterMs);
    return new ServiceError('too_many_runs', {}, { retryAfterMs });
  }

  /** By how much the answer to one more run of a tenant would be too late, in ms; nothing is known before the first one. */
  function lateByMs({ tenantId, deadlineMs }: Entry): number {
    const serviceMs = serviceTime.meanMs();
    if (serviceMs === null) return 0;
    const waitMs = line.positionOf(tenantId) * releasesEveryMs();
    return clock.monotonicMs() + waitMs + serviceMs - deadlineMs;
  }

  /** Makes room for one more, at the cost of a tenant that has more; false if there is none. */
  function makeRoom(tenantId: string): boolean {
    if (callers() < waitersMax) return true;
    const last = waitersMax > 0 ? line.giveWayTo(tenantId) : undefined;
    last?.refuse('gave_way' satisfies ShedReason);
    return last !== undefined;
  }

  /** Stands in line until a place is passed on to it; rejects with the reason for which it leaves before. */
  function stand(party: Party, leaves: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (leaves.aborted) return reject(leaves.reason);
      const leave = () => {
        line.remove(party, waiter);
        settle();
        reject(leaves.reason);
      };
      const settle = () => {
        leaves.removeEventListener('abort', leave);
        tellWaiting();
      };
      const waiter: Waiter = {
        grant() {
          settle();
          resolve();
        },
        refuse(error) {
          settle();
          reject(error);
        },
      };
      line.add(party, waiter);
      leaves.addEventListener('abort', leave, { once: true });
      tellWaiting();
    });
  }

  async function wait({ tenantId, deadlineMs, gone }: Entry): Promise<void> {
    const sinceMs = clock.monotonicMs();
    const settled = new AbortController();
    const overtime = new AbortController();
    clock.sleep(Math.max(0, deadlineMs - sinceMs), settled.signal).then(
      () => overtime.abort('deadline' satisfies ShedReason),
      () => {}, // it was not late
    );
    try {
      await stand(tenantId, AbortSignal.any(gone ? [gone, overtime.signal] : [overtime.signal]));
      metrics.admitted(clock.monotonicMs() - sinceMs);
    } catch (reason) {
      if (reason instanceof ServiceError) throw reason;
      if (gone?.aborted) throw new ServiceError('cancelled', {});
      throw refusal(tenantId, reason as ShedReason);
    } finally {
      settled.abort();
    }
  }

  slots.onPassingOn(() => {
    const next = line.next();
    next?.grant();
    return next !== undefined;
  });

  return {
    /**
     * Takes a place: null if it was there at once, else a promise for it. Whoever waits leaves the line when its client
     * has gone, at its deadline, and when all are sent away.
     *
     * @throws {ServiceError} `too_many_runs`, `cancelled`, or with which it was sent away
     */
    enter(entry: Entry): Promise<void> | null {
      freshDemand.arrived(clock.monotonicMs());
      if (slots.tryAcquire()) return null; // nobody waits while a place is free
      const lateMs = waitersMax > 0 ? lateByMs(entry) : 0;
      if (lateMs > 0) throw refusal(entry.tenantId, 'too_late', lateMs);
      if (!makeRoom(entry.tenantId)) throw refusal(entry.tenantId, 'line_full');
      return wait(entry);
    },

    /** A refusal for another reason, with a time to come back. */
    refusal: (tenantId: string, reason: ShedReason): ServiceError => refusal(tenantId, reason),

    /**
     * A place for a run that is queued in the store, in turn with the callers who wait: while there are any, no place is
     * ever free. Null if nobody waits; rejects when `signal` aborts.
     */
    turnOfStore: (signal: AbortSignal): Promise<void> | null => (callers() === 0 ? null : stand(storeParty, signal)),

    /** A run that a caller waits for has held its place for so long. */
    served: (heldMs: number): void => serviceTime.add(heldMs),

    /** Sends all who wait away with an error of their own: the process ends. */
    sendAway(error: () => ServiceError): void {
      for (const waiter of line.clear()) waiter.refuse(error());
    },
  };
}

/** The line in front of the places. */
export type Admission = ReturnType<typeof createAdmission>;
