/** The weight of the newest run once there are enough: the mean is that of about the last hundred runs. */
const newestWeight = 0.02;

/** How long runs hold their slot: an exponentially weighted moving average. */
export function createServiceTime() {
  let count = 0;
  let meanMs: number | null = null;

  return {
    /** Adds a run that held its slot for `heldMs`. */
    add(heldMs: number): void {
      count += 1;
      const weight = Math.max(newestWeight, 1 / count); // the first runs have equal weights
      meanMs = meanMs === null ? heldMs : meanMs + (heldMs - meanMs) * weight;
    },

    /** The mean, or null before the first run has ended. */
    meanMs: (): number | null => meanMs,
  };
}

/** How long runs hold their slot. */
export type ServiceTime = ReturnType<typeof createServiceTime>;
