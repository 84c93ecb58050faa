import { ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';

type Work = () => Promise<void>;

const codeOf = (error: unknown) => (error instanceof ServiceError ? error.code : undefined);

/** Runs pieces of work in the background, each at most once at a time: a store that does not answer is asked once. */
export function createSingleFlight(log: Pick<Logger, 'warn'>) {
  const flights = new Map<Work, Promise<void>>();

  return {
    /** Whether this piece of work is in progress. */
    isInFlight: (work: Work): boolean => flights.has(work),

    /** Begins a piece of work unless it is in progress. A failure is logged as `failure`; then `done` is called. */
    begin(work: Work, failure: string, done = () => {}): void {
      if (flights.has(work)) return;
      const flight = work()
        .catch((error: unknown) => log.warn({ err: error, code: codeOf(error) }, failure))
        .finally(() => {
          flights.delete(work);
          done();
        });
      flights.set(work, flight);
    },

    /** Resolves when all work that is in progress now has ended. */
    ended: async (): Promise<void> => void (await Promise.all(flights.values())),
  };
}

/** Pieces of work, each at most once at a time. */
export type SingleFlight = ReturnType<typeof createSingleFlight>;
