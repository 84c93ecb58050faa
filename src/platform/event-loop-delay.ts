import type { Clock } from './clock.ts';
import type { Service } from './lifecycle.ts';

/** How often the loop is asked to come by, in ms: what it is late by is its delay. */
const tickMs = 20;
/** The delay is that of the last span of so long, in ms. */
const spanMs = 1_000;

/**
 * How long a request that came in at some moment had to wait for the event loop on average, from how long the loop was
 * away each time. Whoever comes while it is away for `d` waits `d / 2`, and a long absence meets more requests than a short
 * one: that makes the sum of `d²` over twice the sum of `d`. One absence of a second in a quiet time is then little, and
 * many in a row are what they are.
 */
export function createDelayMeter() {
  let sumMs = 0;
  let squares = 0;
  let lastMs = 0;

  return {
    /** The loop was away for so long. */
    away(forMs: number): void {
      sumMs += forMs;
      squares += forMs ** 2;
      if (sumMs < spanMs) return;
      lastMs = squares / (2 * sumMs);
      sumMs = 0;
      squares = 0;
    },

    /** The delay of the last second, or of the last absence and the time before, if that was longer. Defaults to 0. */
    recentMs: (): number => lastMs,
  };
}

/**
 * Measures how long the event loop of this process keeps what comes in waiting. By a timer of its own: timers are due
 * before what has arrived is read, so requests that came during an absence find it measured. The histogram of `perf_hooks`
 * loses the absence that goes on while it is reset.
 */
export function createEventLoopDelay({
  clock,
}: {
  clock: Pick<Clock, 'monotonicMs'>;
}): Service & { recentMs(): number } {
  const meter = createDelayMeter();
  let timer: NodeJS.Timeout | undefined;

  return {
    name: 'loop delay',
    recentMs: meter.recentMs,

    async start() {
      let beforeMs = clock.monotonicMs();
      timer ??= setInterval(() => {
        const nowMs = clock.monotonicMs();
        meter.away(nowMs - beforeMs);
        beforeMs = nowMs;
      }, tickMs).unref();
    },

    async stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** How long the event loop keeps what comes in waiting. */
export type EventLoopDelay = ReturnType<typeof createEventLoopDelay>;
