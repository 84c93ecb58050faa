/** The window over which attempts are counted, in ms; it slides by halves. */
const windowMs = 30_000;
/** With fewer failures than this in the window the breaker stays closed. */
export const failuresMin = 8;
/** The share of failures from which on the breaker opens. */
export const failureShare = 0.5;
/** How long it is open the first time, and at most, in ms. Each time that a probe fails, it is open twice as long. */
const openMs = 2_000;
const openMsMax = 60_000;
/** The same for a breaker that a single fault has opened, one that an operator has to mend, in ms. */
const tripMs = 15_000;
const tripMsMax = 15 * 60_000;

type Counts = { failures: number; attempts: number };

/**
 * A circuit breaker: closed in normal operation, open for a while after too many failures, and then half-open: one
 * attempt, the probe, decides whether it closes or opens again. Times are those of a monotonic clock, in ms.
 */
export type BreakerState =
  | { type: 'closed'; halfSinceMs: number; before: Counts; now: Counts }
  | { type: 'open'; untilMs: number; trips: number }
  | { type: 'half_open'; probeUntilMs: number; trips: number };

/** The events that change a breaker. */
export type BreakerEvent =
  | { type: 'succeeded' }
  | { type: 'failed' }
  /** A single fault opens it; `forMs` is how long that fault lasts, null if that is unknown. */
  | { type: 'tripped'; forMs: number | null }
  /** A probe is under way, here or in another process, until it ends or `forMs` has passed. */
  | { type: 'probing'; forMs: number }
  /** Another process has opened it. */
  | { type: 'opened_elsewhere'; forMs: number; trips: number }
  /** Another process has closed it. */
  | { type: 'closed_elsewhere' };

const none: Counts = { failures: 0, attempts: 0 };

/** The initial state of a breaker. */
export const closedBreaker = (nowMs: number): BreakerState => ({
  type: 'closed',
  halfSinceMs: nowMs,
  before: none,
  now: none,
});

/** How long a breaker is open after it has opened this many times in a row, in ms. */
export const openForMs = (trips: number): number => Math.min(openMsMax, openMs * 2 ** (trips - 1));

/** The same for a breaker that a single fault has opened. */
export const trippedForMs = (trips: number): number => Math.min(tripMsMax, tripMs * 2 ** (trips - 1));

/** Whether attempts may be made: all, or only a probe, or none. */
export function admission(state: BreakerState, nowMs: number): 'all' | 'probe' | 'none' {
  if (state.type === 'closed') return 'all';
  if (state.type === 'open') return nowMs >= state.untilMs ? 'probe' : 'none';
  return nowMs >= state.probeUntilMs ? 'probe' : 'none';
}

/** When the next attempt may be made, in ms from now; 0 for at once. */
export function admittedInMs(state: BreakerState, nowMs: number): number {
  if (state.type === 'closed') return 0;
  return Math.max(0, (state.type === 'open' ? state.untilMs : state.probeUntilMs) - nowMs);
}

function count(state: Extract<BreakerState, { type: 'closed' }>, failed: boolean, nowMs: number): BreakerState {
  const halves = Math.floor((nowMs - state.halfSinceMs) / (windowMs / 2));
  const halfSinceMs = state.halfSinceMs + halves * (windowMs / 2);
  const before = halves === 0 ? state.before : halves === 1 ? state.now : none;
  const { failures, attempts } = halves === 0 ? state.now : none;
  const now = { failures: failures + Number(failed), attempts: attempts + 1 };
  const allFailures = before.failures + now.failures;
  const isFailing = allFailures >= failuresMin && allFailures >= failureShare * (before.attempts + now.attempts);
  if (failed && isFailing) return { type: 'open', untilMs: nowMs + openForMs(1), trips: 1 };
  return { type: 'closed', halfSinceMs, before, now };
}

/** The state of a breaker after an event. */
export function nextBreaker(state: BreakerState, event: BreakerEvent, nowMs: number): BreakerState {
  switch (event.type) {
    case 'succeeded':
      // An attempt that began before the breaker opened is no evidence: a success closes it only while it is half-open.
      if (state.type === 'closed') return count(state, false, nowMs);
      return state.type === 'half_open' ? closedBreaker(nowMs) : state;
    case 'failed':
      if (state.type === 'closed') return count(state, true, nowMs);
      if (state.type === 'open') return state;
      return { type: 'open', untilMs: nowMs + openForMs(state.trips + 1), trips: state.trips + 1 };
    case 'tripped': {
      const trips = state.type === 'closed' ? 1 : state.trips + Number(state.type === 'half_open');
      const untilMs = nowMs + (event.forMs ?? trippedForMs(trips));
      // An open breaker stays open for the longest time that was asked for.
      return { type: 'open', untilMs: state.type === 'open' ? Math.max(state.untilMs, untilMs) : untilMs, trips };
    }
    case 'probing':
      if (state.type === 'closed') return state;
      return { type: 'half_open', probeUntilMs: nowMs + event.forMs, trips: state.trips };
    case 'opened_elsewhere': {
      const untilMs = nowMs + event.forMs;
      if (state.type !== 'closed' && state.trips > event.trips) return state;
      if (state.type === 'open' && state.trips === event.trips && state.untilMs >= untilMs) return state;
      return { type: 'open', untilMs, trips: event.trips };
    }
    case 'closed_elsewhere':
      return state.type === 'closed' ? state : closedBreaker(nowMs);
  }
}
