import type { Clock } from './clock.ts';
import type { Service } from './lifecycle.ts';

/** The interval of the timer that measures the loop, in ms. */
const tickMs = 20;
/** The time over which the delay is averaged, in ms. */
const spanMs = 1_000;

/**
 * Computes the average time that a request waits for the event loop, from the times for which the loop was blocked. A
 * request that arrives while the loop is blocked for `d` waits `d / 2` on average, and more requests arrive in a long block
 * than in a short one. So the average is the sum of `d²` over twice the sum of `d`. By this measure a single block of a
 * second in a quiet time counts little, and many blocks in a row count fully.
 */
export function createDelayMeter() {
  let sumMs = 0;
  let squares = 0;
  let lastMs = 0;

  return {
    /** Records that the loop was blocked for `blockedMs`. */
    record(blockedMs: number): void {
      sumMs += blockedMs;
      squares += blockedMs ** 2;
      if (sumMs < spanMs) return;
      lastMs = squares / (2 * sumMs);
      sumMs = 0;
      squares = 0;
    },

    /** The delay over the last second, or over the time to the end of the last block if that was longer. Defaults to 0. */
    recentMs: (): number => lastMs,
  };
}

/**
 * Measures how long requests wait for the event loop of this process, with a timer of its own: the loop runs timers before
 * it reads sockets, so a block is measured before the requests that arrived during it are handled. The histogram of
 * `perf_hooks` would lose a block that is under way when it is reset.
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
      let lastTickMs = clock.monotonicMs();
      timer ??= setInterval(() => {
        const nowMs = clock.monotonicMs();
        meter.record(nowMs - lastTickMs);
        lastTickMs = nowMs;
      }, tickMs).unref();
    },

    async stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** See `createEventLoopDelay`. */
export type EventLoopDelay = ReturnType<typeof createEventLoopDelay>;
