import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admission,
  admittedInMs,
  type BreakerEvent,
  type BreakerState,
  closedBreaker,
  failuresMin,
  nextBreaker,
  openForMs,
  trippedForMs,
} from './breaker-state.ts';

const play = (events: [atMs: number, event: BreakerEvent][], from: BreakerState = closedBreaker(0)) =>
  events.reduce((state, [atMs, event]) => nextBreaker(state, event, atMs), from);
const failed = { type: 'failed' } as const;
const succeeded = { type: 'succeeded' } as const;
const times = (count: number, event: BreakerEvent, atMs = 0) =>
  Array.from({ length: count }, () => [atMs, event] as [number, BreakerEvent]);
const opened = play(times(failuresMin, failed));

describe('a breaker that is closed', () => {
  test('opens when most attempts fail, and there were enough of them', () => {
    expect(play(times(failuresMin - 1, failed)).type).toBe('closed');
    expect(opened.type).toBe('open');
  });
  test('stays closed while more succeed than fail', () => {
    expect(play([...times(failuresMin + 2, succeeded), ...times(failuresMin + 1, failed)]).type).toBe('closed');
  });
  test('does not count failures outside its window', () => {
    expect(play([...times(failuresMin - 1, failed, 0), ...times(1, failed, 31_000)]).type).toBe('closed');
  });
  test('opens at once for a fault that an operator has to mend', () => {
    expect(play([[0, { type: 'tripped', forMs: null }]])).toMatchObject({ type: 'open', untilMs: trippedForMs(1) });
    expect(play([[0, { type: 'tripped', forMs: 90_000 }]])).toMatchObject({ untilMs: 90_000 });
  });
});

describe('a breaker that is open', () => {
  test('admits no attempt until its time is over, and then a probe', () => {
    expect(admission(opened, openForMs(1) - 1)).toBe('none');
    expect(admission(opened, openForMs(1))).toBe('probe');
  });
  test('admits no other attempt while a probe is under way, but for no longer than a probe may take', () => {
    const probing = nextBreaker(opened, { type: 'probing', forMs: 30_000 }, 2_000);
    expect(admission(probing, 2_001)).toBe('none');
    expect(admission(probing, 32_000)).toBe('probe');
  });
  test('closes when the probe succeeds, and is open for longer when it fails', () => {
    const probing = nextBreaker(opened, { type: 'probing', forMs: 30_000 }, 2_000);
    expect(nextBreaker(probing, succeeded, 2_500).type).toBe('closed');
    expect(nextBreaker(probing, failed, 2_500)).toEqual({ type: 'open', untilMs: 2_500 + openForMs(2), trips: 2 });
  });
  test('is not closed by an answer to a request from before', () => {
    expect(nextBreaker(opened, succeeded, 100)).toBe(opened);
  });
  test('is not open for a shorter time because of a further fault', () => {
    const long = play([[0, { type: 'tripped', forMs: 90_000 }]]);
    expect(nextBreaker(long, { type: 'tripped', forMs: 1_000 }, 10)).toMatchObject({ untilMs: 90_000 });
  });
});

describe('what other processes have learned', () => {
  test('opens and closes the breaker too', () => {
    const openedElsewhere = play([[0, { type: 'opened_elsewhere', forMs: 5_000, trips: 2 }]]);
    expect(openedElsewhere).toEqual({ type: 'open', untilMs: 5_000, trips: 2 });
    expect(nextBreaker(openedElsewhere, { type: 'closed_elsewhere' }, 10).type).toBe('closed');
  });
  test('does not shorten the time for which this process has opened it', () => {
    expect(nextBreaker(opened, { type: 'opened_elsewhere', forMs: 1, trips: 1 }, 0)).toBe(opened);
  });
});

const anyEvent: fc.Arbitrary<BreakerEvent> = fc.oneof(
  fc.constantFrom<BreakerEvent>(failed, succeeded, { type: 'closed_elsewhere' }, { type: 'tripped', forMs: null }),
  fc.record({ type: fc.constant('probing' as const), forMs: fc.integer({ min: 0, max: 60_000 }) }),
  fc.record({
    type: fc.constant('opened_elsewhere' as const),
    forMs: fc.integer({ min: 0, max: 900_000 }),
    trips: fc.integer({ min: 1, max: 50 }),
  }),
);

test('after any events, an attempt is admitted again within a quarter of an hour', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), anyEvent), { maxLength: 60 }), (plan) => {
      let nowMs = 0;
      let state = closedBreaker(0);
      for (const [afterMs, event] of plan) {
        nowMs += afterMs;
        state = nextBreaker(state, event, nowMs);
        const inMs = admittedInMs(state, nowMs);
        expect(inMs).toBeLessThanOrEqual(900_000);
        expect(admission(state, nowMs + inMs)).not.toBe('none');
      }
    }),
  );
});
