import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { ProviderStore } from '../../../storage/port/index.ts';
import type { ProviderKeyLimit } from './concurrency-limiter.ts';
import { createPrioritySemaphore } from './priority-semaphore.ts';

/** Pause between two renewals of a share that is in use, and how long a share is held without an answer, in ms. */
const renewMs = 1_000;
const leaseMs = 5_000;
/** Pause before more permits are requested again while calls wait in vain, in ms. */
const retryMs = 200;
/** A share is requested with this much to spare, so that not each further call has to wait for an answer of the store. */
const spareShare = 0.25;

/** Dependencies of the limit of one key that processes share. */
export type SharedKeyLimitDeps = {
  /** Requests a share of the permits from the store. */
  share: NonNullable<ProviderStore['share']>;
  /** The id under which this process holds its shares. */
  processId: string;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
  /** Aborts when the process stops; the renewal of the share ends then. */
  stopping: AbortSignal;
};

/** The share of a process that cannot reach the store: the limit divided by the processes that it last heard of. */
export const fallbackShare = (limit: number, processes: number): number =>
  Math.max(1, Math.floor(limit / Math.max(1, processes)));

/**
 * The limit of one key, of which this process holds a share. The share is a lease: it is renewed while calls use it or
 * wait for it, and given back when they do not.
 */
export function createSharedKeyLimit(deps: SharedKeyLimitDeps, keyId: string, limit: number) {
  const { share, processId, clock, log, stopping } = deps;
  const semaphore = createPrioritySemaphore(0);
  let wake = () => {};
  let processes = 1;
  let leaseEndsMs = Number.NEGATIVE_INFINITY;
  let isBackingOff = false;

  const needed = () => semaphore.used() + semaphore.waiting();
  const wanted = () => (needed() === 0 ? 0 : Math.min(limit, Math.ceil(needed() * (1 + spareShare))));

  async function requestShare(): Promise<void> {
    const sentMs = clock.monotonicMs();
    const request = { keyId, processId, limit, wanted: wanted(), used: semaphore.used(), leaseMs };
    try {
      const answer = await share(request);
      processes = answer.processes;
      leaseEndsMs = sentMs + leaseMs;
      semaphore.setLimit(answer.granted);
      // A store that never answers is treated like one that cannot be reached: the share expires with its lease.
      const leftMs = Math.max(0, leaseEndsMs - clock.monotonicMs());
      clock.sleep(leftMs, stopping).then(expireLease, () => {}); // rejects when the process stops
    } catch (error) {
      log.warn({ err: error }, 'the share of calls to a model provider could not be asked for');
      expireLease();
    }
  }

  /** Falls back to `fallbackShare` if the lease has expired. */
  function expireLease(): void {
    if (clock.monotonicMs() >= leaseEndsMs) semaphore.setLimit(fallbackShare(limit, processes));
  }

  /** Requests a share while permits are used or waited for, and once more to give back what is not needed. */
  async function keepShare(): Promise<void> {
    while (!stopping.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort('a call waits');
      const isIdle = needed() === 0 && semaphore.limit() === 0;
      if (!isIdle) await requestShare();
      isBackingOff = semaphore.waiting() > 0;
      const pauseMs = isIdle ? Number.MAX_SAFE_INTEGER : isBackingOff ? retryMs : renewMs;
      const pauseOver = isBackingOff ? stopping : AbortSignal.any([woken.signal, stopping]);
      await clock.sleep(pauseMs, pauseOver).catch(() => {});
      isBackingOff = false;
    }
  }

  const keyLimit: ProviderKeyLimit = {
    tryAcquire: semaphore.tryAcquire,
    release: semaphore.release,
    acquire(interactive: boolean, signal: AbortSignal): Promise<void> {
      const acquired = semaphore.acquire(interactive, signal);
      if (!isBackingOff) wake();
      return acquired;
    },
  };
  return { keyLimit, stopped: keepShare() };
}
