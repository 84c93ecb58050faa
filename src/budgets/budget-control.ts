import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { BudgetStore, Budgets, Spending } from '../storage/port/index.ts';
import { createAbandonedReservationSweeper } from './abandoned-reservations.ts';
import { isNearLimit, isUsedUp, type LimitUse } from './accounts.ts';
import { budgetExceeded } from './budget-errors.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { RunLimits } from './run-account.ts';
import { createRunBudget, type RunBudget } from './run-budget.ts';
import { createSettlementSignal } from './settlement-signal.ts';
import type { Spender } from './spender.ts';
import { createStoreRetry } from './store-retry.ts';
import { createStoredReservations, type PaidRun } from './stored-reservations.ts';

/** The state of the run at the start of the attempt, and the callback for its warnings. */
export type RunBudgetOptions = {
  spentBefore: Spending;
  signal: AbortSignal;
  /** Called with each limit that is nearly used up. */
  warn(limit: LimitUse): void;
};

/** Dependencies of the budget control. */
export type BudgetControlDeps = {
  store: BudgetStore;
  /** The budgets of a key; null if there is no such key. */
  ofKey(keyId: string): Promise<Budgets | null>;
  ledger: BudgetLedger;
  /** What each run may spend. */
  runLimits: RunLimits;
  /** The id under which this process has its lease. */
  processId(): string;
  ids: Ids;
  metrics: Metrics;
  clock: Clock;
  /** Gives [0, 1). */
  random: () => number;
  log: Pick<Logger, 'warn'>;
};

/** Enforces the budgets: it checks them when a run is created, and reserves in them before each model call. */
export function createBudgetControl(deps: BudgetControlDeps) {
  const { store, ledger, ofKey, runLimits, metrics, clock, random, log } = deps;
  const retryUntilAvailable = createStoreRetry({ clock, random });
  const settlements = createSettlementSignal(clock, random);
  const reservations = createStoredReservations({ ...deps, retryUntilAvailable });
  const sweeper = createAbandonedReservationSweeper({ store, clock, random, log });
  const refusals = metrics.counter('agent_service_budget_refusals_total');
  const countRefusal = ({ scope, unit, period }: LimitUse) => refusals.inc({ scope, unit, period });

  async function accountsOf({ tenantId, budgetKeyId: id }: PaidRun) {
    const budgets = id === null ? null : await ofKey(id);
    return ledger.accountsFor({ tenantId, key: id === null || budgets === null ? null : { id, budgets } });
  }

  return {
    /** Settles the reservations of dead processes. Its stop waits for the settlements of this process. */
    service: {
      name: 'budgets',
      start: async () => sweeper.start(),
      async stop(deadline) {
        await reservations.stop(deadline);
        await sweeper.stop();
      },
    } satisfies Service,

    /**
     * Checks that no budget of the caller of a new run is used up. Resolves with the limits that are nearly used up; null
     * at once, not as a promise, if no budget applies.
     *
     * @throws {ServiceError} `budget_exceeded`
     */
    check(spender: Spender): Promise<LimitUse[]> | null {
      if (ledger.isKnownUnlimited(spender)) return null;
      return ledger.usesOf(spender).then((uses) => {
        const usedUp = uses.find(isUsedUp);
        if (usedUp === undefined) return uses.filter(isNearLimit);
        countRefusal(usedUp);
        throw budgetExceeded(usedUp, clock.nowMs());
      });
    },

    /** The budget of one attempt at a run. */
    forRun: (run: PaidRun, { spentBefore, signal, warn }: RunBudgetOptions): RunBudget =>
      createRunBudget({
        limits: runLimits,
        spentBefore,
        isKnownUnlimited: () =>
          run.budgetKeyId === null && ledger.isKnownUnlimited({ tenantId: run.tenantId, key: null }),
        accounts: () => retryUntilAvailable(() => accountsOf(run), signal),
        reserve: reservations.reserveFor(run, signal),
        settle: reservations.settle,
        settlements,
        clock,
        signal,
        warn,
        countRefusal,
      }),
  };
}

/** See `createBudgetControl`. */
export type BudgetControl = ReturnType<typeof createBudgetControl>;
