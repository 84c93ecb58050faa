import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { isFull } from './errors.ts';

/** How long a start waits until the database has a place for its connections, in ms: processes that stop free theirs. */
const placeWaitMs = 30_000;
/** The pause between two tries, in ms. */
const pauseMs = 500;

/** Dependencies of the wait. */
export type PlaceWaitDeps = { clock: Pick<Clock, 'monotonicMs' | 'sleep'>; log: Pick<Logger, 'info' | 'warn'> };

const hasNoPlace = (error: unknown): boolean => isFull(error instanceof ServiceError ? error.cause : error);

/** Does a piece of the start; waits for a place as long as the server, the database or the role has all its connections. */
export function createPlaceWait({ clock, log }: PlaceWaitDeps) {
  const startedMs = clock.monotonicMs();
  let isLogged = false;

  return async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!hasNoPlace(error) || clock.monotonicMs() - startedMs >= placeWaitMs) throw error;
        if (!isLogged)
          log.warn({ waitMs: placeWaitMs }, 'Postgres has no place for another connection, the start waits for one');
        isLogged = true;
        await clock.sleep(pauseMs);
      }
    }
  };
}
