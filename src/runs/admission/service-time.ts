/** How much the newest run counts once there are enough: the mean is that of about the last hundred. */
const newestShare = 0.02;

/** How long runs hold their place, as a mean in which older ones count less and less. */
export function createServiceTime() {
  let count = 0;
  let meanMs: number | null = null;

  return {
    /** Adds a run that held its place for so long. */
    add(heldMs: number): void {
      count += 1;
      const share = Math.max(newestShare, 1 / count); // until then all count the same
      meanMs = meanMs === null ? heldMs : meanMs + (heldMs - meanMs) * share;
    },

    /** The mean, or null before the first run has ended. */
    meanMs: (): number | null => meanMs,
  };
}

/** How long runs hold their place. */
export type ServiceTime = ReturnType<typeof createServiceTime>;
