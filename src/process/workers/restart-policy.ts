/** A worker that served for at least this long counts as stable, in ms. */
const stableMs = 30_000;
const firstDelayMs = 1_000;
const delayMaxMs = 30_000;

/** The end of a worker that the primary did not ask for. */
export type WorkerEnd = {
  /** How long the worker served, in ms; null if its start failed. */
  servedMs: number | null;
  /** Whether the worker ended gracefully, after a signal. */
  graceful: boolean;
  /** Consecutive ends before this one that came soon after the start of the worker. */
  earlyEnds: number;
};

/**
 * The delay before the replacement of a worker starts, and the consecutive early ends so far. The replacement of a stable
 * worker starts at once. After repeated early ends the delay doubles each time, up to 30 s.
 */
export function restartAfter({ servedMs, graceful, earlyEnds }: WorkerEnd): { earlyEnds: number; delayMs: number } {
  if (servedMs !== null && (graceful || servedMs >= stableMs)) return { earlyEnds: 0, delayMs: 0 };
  const delayMs = earlyEnds === 0 && servedMs !== null ? 0 : Math.min(delayMaxMs, firstDelayMs * 2 ** earlyEnds);
  return { earlyEnds: earlyEnds + 1, delayMs };
}
