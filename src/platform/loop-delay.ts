import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Service } from './lifecycle.ts';

/** How often the loop is asked to come by, in ms: what it is late by is its delay. */
const resolutionMs = 20;
/** The delay is that of the last span of so long, in ms. */
const spanMs = 1_000;

/**
 * How long a request that came in at some moment of the measured time had to wait for the event loop on average, in ms.
 * Whoever comes while the loop is away for `d` waits `d / 2`, and a long absence meets more requests than a short one:
 * that makes the mean of `d²` over twice the mean of `d`. One absence of a second in a quiet time is then little, and
 * many in a row are what they are.
 */
export function delayMetMs({ mean, stddev }: { mean: number; stddev: number }): number {
  const meanMs = mean / 1e6;
  const deviationMs = stddev / 1e6;
  return meanMs > 0 ? (deviationMs ** 2 + meanMs ** 2) / (2 * meanMs) : 0;
}

/** Measures how long the event loop of this process keeps what comes in waiting. */
export function createLoopDelay(): Service & { recentMs(): number } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  let timer: NodeJS.Timeout | undefined;
  let lastMs = 0;

  return {
    name: 'loop delay',
    /** The delay of the last second, or of the one that goes on, if that is greater; 0 before it is known. */
    recentMs: () => Math.max(lastMs, delayMetMs(histogram)),

    async start() {
      histogram.enable();
      timer ??= setInterval(() => {
        lastMs = delayMetMs(histogram);
        histogram.reset();
      }, spanMs).unref();
    },

    async stop() {
      clearInterval(timer);
      timer = undefined;
      histogram.disable();
    },
  };
}

/** How long the event loop keeps what comes in waiting. */
export type LoopDelay = ReturnType<typeof createLoopDelay>;
