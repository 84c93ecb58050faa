import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { createReleasingMap } from '../platform/releasing-map.ts';
import type { AccountState, BudgetStore, Spending } from '../storage/port/index.ts';
import { nothing } from './accounts.ts';
import type { RunBudgetDeps } from './run-budget.ts';
import type { RetryUntilAvailable } from './store-retry.ts';

/** The run whose model calls spend the budgets. */
export type PaidRun = {
  id: string;
  attempt: number;
  tenantId: string;
  budgetKeyId: string | null;
};

/** Dependencies of the reservations. */
export type StoredReservationsDeps = {
  store: Pick<BudgetStore, 'reserve' | 'settle'>;
  /** The id under which this process has its lease. */
  processId(): string;
  ids: Ids;
  retryUntilAvailable: RetryUntilAvailable;
  log: Pick<Logger, 'warn'>;
};

/**
 * The reservations of this process in the accounts of the store. A settlement goes on after the end of its run; the end of
 * the process waits for it.
 */
export function createStoredReservations({ store, processId, ids, retryUntilAvailable, log }: StoredReservationsDeps) {
  const settlements = createReleasingMap<string, Promise<unknown>>();
  const stopping = new AbortController();

  /** Settles a reservation, retrying while the store is unavailable. Resolves with no accounts if it cannot be settled. */
  function settle(holdId: string, spending: Spending): Promise<AccountState[]> {
    const settled = retryUntilAvailable(() => store.settle(holdId, spending), stopping.signal).catch(
      (error: unknown) => {
        // After the end of this process another one settles the reservation from the journal.
        if (!stopping.signal.aborted) log.warn({ err: error }, 'what a model call used could not be booked');
        return [];
      },
    );
    settlements.set(holdId, settled);
    void settled.then(() => settlements.delete(holdId));
    return settled;
  }

  return {
    settle,

    /** Makes the function that reserves for the calls of a run; see `BudgetStore.reserve`. */
    reserveFor({ id: runId, tenantId, attempt }: PaidRun, signal: AbortSignal): RunBudgetDeps['reserve'] {
      return async (stepKey, spending, accounts) => {
        const hold = { id: ids('hold'), tenantId, runId, stepKey, attempt, processId: processId(), spending };
        try {
          return { holdId: hold.id, ...(await retryUntilAvailable(() => store.reserve(hold, accounts), signal)) };
        } catch (error) {
          void settle(hold.id, nothing); // the store may have reserved although its answer was lost
          throw error;
        }
      };
    },

    /** Waits for the pending settlements, until the deadline at the latest; then ends their retries. */
    async stop(deadline: AbortSignal): Promise<void> {
      await Promise.race([Promise.all(settlements.values()), aborted(deadline)]);
      stopping.abort();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
