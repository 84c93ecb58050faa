/** A worker that serves for so long has come up well, in ms. */
const settledMs = 30_000;
const firstPauseMs = 1_000;
const pauseMaxMs = 30_000;

/** How a worker ended that nobody told to. */
export type WorkerEnd = {
  /** How long it served, in ms; null if its start failed. */
  servedMs: number | null;
  /** Whether it ended gracefully: somebody signalled it. */
  graceful: boolean;
  /** Ends before this one, in a row, that came soon after the start. */
  soonBefore: number;
};

/**
 * When another worker takes the place of one that ended: at once if that had come up well. One after another that dies
 * right at its start is given a pause that doubles, to half a minute at most.
 */
export function replacement({ servedMs, graceful, soonBefore }: WorkerEnd): { soon: number; delayMs: number } {
  if (servedMs !== null && (graceful || servedMs >= settledMs)) return { soon: 0, delayMs: 0 };
  const delayMs = soonBefore === 0 && servedMs !== null ? 0 : Math.min(pauseMaxMs, firstPauseMs * 2 ** soonBefore);
  return { soon: soonBefore + 1, delayMs };
}
