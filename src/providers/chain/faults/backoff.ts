/** The longest first pause, and the longest one, in ms. */
const baseMs = 250;
const maxMs = 8_000;
/** What is added to a waiting time that a provider asked for, so that not everybody comes back at the same moment. */
const jitterShare = 0.2;

/** Full jitter (AWS, "Exponential Backoff And Jitter"), in ms. `failures` counts from 1; `random` is in [0, 1). */
export const backoffMs = (failures: number, random: number): number =>
  Math.floor(random * Math.min(maxMs, baseMs * 2 ** (failures - 1)));

/** A waiting time that was asked for, and up to a fifth of it more; never less. */
export const jitteredMs = (waitMs: number, random: number): number => Math.ceil(waitMs + waitMs * random * jitterShare);
