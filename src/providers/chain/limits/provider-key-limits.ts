import type { Clock } from '../../../platform/clock.ts';
import type { Service } from '../../../platform/lifecycle.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { ProviderStore } from '../../../storage/port/index.ts';
import type { ProviderKeyLimit, ProviderKeyLimits } from './concurrency-limiter.ts';
import { createPrioritySemaphore } from './priority-semaphore.ts';

/** How often a share is asked for again while it is used, in ms; it is kept for so long without an answer. */
const renewMs = 1_000;
const leaseMs = 5_000;
/** Pause before more is asked for again while calls wait in vain, in ms. */
const askAgainMs = 200;
/** A share is asked for with so much to spare, so that not each further call has to wait for a word of the store. */
const spareShare = 0.25;

/** What the gates of keys stand on. */
export type ProviderKeyLimitsDeps = {
  /** Where shares come from; null where there is only this process. */
  share: ProviderStore['share'];
  leave: ProviderStore['leaveShares'];
  /** Under which id this process holds its shares. */
  processId: string;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/** What remains to a process that cannot reach the store: its part of the places among the processes it last heard of. */
export const fallbackShare = (limit: number, processes: number): number =>
  Math.max(1, Math.floor(limit / Math.max(1, processes)));

/**
 * The gates of keys whose calls are limited over all processes. Each process holds a share of the places, gets more when
 * its calls wait and others do not need them, and uses its share without asking anybody. Nothing is asked for keys that
 * nobody uses.
 */
export function createProviderKeyLimits({
  share,
  leave,
  processId,
  clock,
  log,
}: ProviderKeyLimitsDeps): ProviderKeyLimits & Service {
  const stopping = new AbortController();
  const gates = new Map<string, ReturnType<typeof createSharedGate>>();
  const keepers: Promise<void>[] = [];

  function createSharedGate(keyId: string, limit: number, askFor: NonNullable<ProviderStore['share']>) {
    const gate = createPrioritySemaphore(0);
    let wake = () => {};
    let processes = 1;
    let knownUntilMs = Number.NEGATIVE_INFINITY;
    let asked = false;

    const needed = () => gate.used() + gate.waiting();
    const wanted = () => (needed() === 0 ? 0 : Math.min(limit, Math.ceil(needed() * (1 + spareShare))));

    async function ask(): Promise<void> {
      const sentMs = clock.monotonicMs();
      const request = { keyId, processId, limit, wanted: wanted(), used: gate.used(), leaseMs };
      try {
        const answer = await askFor(request);
        processes = answer.processes;
        knownUntilMs = sentMs + leaseMs;
        gate.setLimit(answer.granted);
        // A store that does not answer at all says no more than one that cannot be reached.
        const leftMs = Math.max(0, knownUntilMs - clock.monotonicMs());
        clock.sleep(leftMs, stopping.signal).then(expire, () => {}); // it stops
      } catch (error) {
        log.warn({ err: error }, 'the share of calls to a model provider could not be asked for');
        expire();
      }
    }

    /** Falls back on this process's part if what it was granted has had its time. */
    function expire(): void {
      if (clock.monotonicMs() >= knownUntilMs) gate.setLimit(fallbackShare(limit, processes));
    }

    /** Asks as long as anything is used or waits, and once more to give back what is not. */
    async function keep(): Promise<void> {
      while (!stopping.signal.aborted) {
        const woken = new AbortController();
        wake = () => woken.abort('a call waits');
        const isIdle = needed() === 0 && gate.limit() === 0;
        if (!isIdle) await ask();
        asked = gate.waiting() > 0;
        const pauseMs = isIdle ? Number.MAX_SAFE_INTEGER : gate.waiting() > 0 ? askAgainMs : renewMs;
        const over = asked ? stopping.signal : AbortSignal.any([woken.signal, stopping.signal]);
        await clock.sleep(pauseMs, over).catch(() => {});
        asked = false;
      }
    }

    keepers.push(keep());
    return {
      limit,
      tryEnter: gate.tryEnter,
      leave: gate.leave,
      enter(interactive: boolean, signal: AbortSignal): Promise<void> {
        const entered = gate.enter(interactive, signal);
        if (!asked) wake();
        return entered;
      },
    };
  }

  function make(keyId: string, limit: number) {
    if (share) return createSharedGate(keyId, limit, share);
    return { ...createPrioritySemaphore(limit), limit };
  }

  return {
    name: 'provider governor',

    gateOf(keyId: string, limit: number): ProviderKeyLimit {
      let found = gates.get(keyId);
      if (!found) {
        found = make(keyId, limit) as ReturnType<typeof createSharedGate>;
        gates.set(keyId, found);
      }
      return found;
    },

    async start() {},

    async stop() {
      stopping.abort('it stops');
      await Promise.all(keepers);
      if (share && keepers.length > 0) {
        await leave(processId).catch((error: unknown) =>
          log.warn({ err: error }, 'the shares of calls to model providers were not given back'),
        );
      }
    },
  };
}
