import type pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { isFull, isRolledBack } from './errors.ts';

/** How often a statement is tried that is rolled back because of other transactions. */
const rollbackTriesMax = 10;
/** How long a statement waits for a place for its connection, in ms. */
const placeWaitMs = 5_000;
/** The pause before a statement is repeated, in ms; jitter adds up to as much again. */
const pauseMs = 25;
/** How long no more connections are opened after the database had no place for one, in ms. */
const fullMs = 5_000;

/** Dependencies of the repetition of statements. */
export type RepeatedStatementsDeps = {
  /** Connections at most. */
  poolMax: number;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Gives [0, 1). */
  random: () => number;
};

/**
 * Repeats statements that had no effect for certain: those that were rolled back because of another transaction, and
 * those that found no place for a connection. The pool then makes do with the connections that it has for a while: a
 * process goes on with fewer than it may have, instead of refusing work.
 */
export function createRepeatedStatements({ poolMax, clock, random }: RepeatedStatementsDeps) {
  let fullUntilMs = Number.NEGATIVE_INFINITY;

  const isWorthRepeating = (error: unknown, tries: number, startedMs: number): boolean =>
    isRolledBack(error) ? tries < rollbackTriesMax : isFull(error) && clock.monotonicMs() - startedMs < placeWaitMs;

  return async <T>(pool: pg.Pool, query: () => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    for (let tries = 1; ; tries += 1) {
      try {
        if (pool.options.max < poolMax && clock.monotonicMs() >= fullUntilMs) pool.options.max = poolMax;
        return await query();
      } catch (error) {
        if (isFull(error)) {
          pool.options.max = Math.max(1, pool.totalCount);
          fullUntilMs = clock.monotonicMs() + fullMs;
        }
        if (!isWorthRepeating(error, tries, startedMs)) throw error;
        await clock.sleep(pauseMs * (1 + random()));
      }
    }
  };
}
