import type { Clock } from '../../platform/clock.ts';
import { isStoreUnavailable } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Run } from '../../storage/port/index.ts';

/** How often a write is tried while the store is unavailable, and the pauses between, in ms. */
const writeAttemptsMax = 30;
const retryPauseMs = 100;
const retryPauseMaxMs = 1_000;

/** Dependencies of the retries. */
export type StoreRetryDeps = { clock: Clock; log: Logger };

/**
 * Retries a write of a run's end while the store is unavailable, for about 28 s and so longer than a failover takes: the
 * run's work is done, and only its record is left. Its caller does not wait that long, see `overdueMs`. What the store
 * refuses is not tried again.
 */
export async function withRetries<T>({ clock, log }: StoreRetryDeps, run: Run, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isStoreUnavailable(error) || attempt === writeAttemptsMax) throw error;
      log.warn({ runId: run.id, attempt, err: error }, 'storing the end of a run failed, trying again');
      await clock.sleep(Math.min(retryPauseMaxMs, retryPauseMs * 2 ** attempt));
    }
  }
}
