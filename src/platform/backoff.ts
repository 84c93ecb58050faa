/** The shape of an exponential backoff. */
export type Backoff = {
  /** The longest first pause, in ms. */
  baseMs: number;
  /** The longest pause of all, in ms. */
  maxMs: number;
  /** How many times as long each further pause may be. */
  factor: number;
};

/**
 * Full jitter (AWS, "Exponential Backoff And Jitter"), in ms.
 *
 * @param attempt counts from 1
 * @param random in [0, 1)
 */
export const fullJitterMs = (attempt: number, random: number, { baseMs, maxMs, factor }: Backoff): number =>
  Math.floor(random * Math.min(maxMs, baseMs * factor ** (attempt - 1)));

/** The share of a requested pause that is added to it at most, so that not all clients come back at the same moment. */
const jitterShare = 0.2;

/** A pause that a server asked for, and up to a fifth of it more; never less. `random` is in [0, 1). */
export const jitteredMs = (pauseMs: number, random: number): number =>
  Math.ceil(pauseMs + pauseMs * random * jitterShare);
