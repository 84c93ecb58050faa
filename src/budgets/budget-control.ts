import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { createReleasingMap } from '../platform/releasing-map.ts';
import type { AccountState, BudgetStore, Budgets, Spending } from '../storage/port/index.ts';
import { isNearLimit, isUsedUp, type LimitUse, nothing, type ScopedAccount } from './accounts.ts';
import { budgetExceeded } from './budget-errors.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import { createRunBudget, type RunBudget, type RunLimits } from './run-budget.ts';
import { createSettlementSignal } from './settlement-signal.ts';
import type { Spender } from './spender.ts';

/** Pauses between attempts while the store is away, in ms. */
const retryMs = 250;
/** How often calls of dead processes are looked for, in ms, and how many are settled at once. */
const sweepMs = 10_000;
const batchMax = 100;
/** How long accounts are kept after their period, in ms: a month and a few days. */
const keepMs = 35 * 86_400_000;

/** The run whose calls are to be paid for. */
export type PaidRun = {
  id: string;
  attempt: number;
  tenantId: string;
  budgetKeyId: string | null;
};

/** What a run's budget is told, and whom it tells. */
export type RunBudgetOptions = {
  spentBefore: Spending;
  signal: AbortSignal;
  /** Told of limits of which most is used. */
  warn(limit: LimitUse): void;
};

/** What budgets stand on. */
export type BudgetControlDeps = {
  store: BudgetStore;
  /** The budgets of a key, null if there is no such key. */
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

/** What may be spent by whom: looked at before a run is taken in, and reserved before each model call. */
export function createBudgetControl(deps: BudgetControlDeps) {
  const { store, ledger, ofKey, runLimits, processId, ids, metrics, clock, random, log } = deps;
  const changes = createSettlementSignal(clock, random);
  const settling = createReleasingMap<string, Promise<unknown>>();
  const stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();
  const refusals = metrics.counter('agent_service_budget_refusals_total');
  const refused = ({ scope, unit, period }: LimitUse) => refusals.inc({ scope, unit, period });

  /** Tries until the store answers, or `signal` aborts. */
  async function patiently<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ServiceError) || error.code !== 'store_unavailable') throw error;
        await clock.sleep(retryMs * (1 + random()), signal);
      }
    }
  }

  async function accountsOfRun({ tenantId, budgetKeyId: id }: PaidRun): Promise<ScopedAccount[]> {
    const budgets = id === null ? null : await ofKey(id);
    return ledger.accountsFor({ tenantId, key: id === null || budgets === null ? null : { id, budgets } });
  }

  /** Books a call, also when the run is over; at the end of the process it is waited for. */
  function settle(holdId: string, spending: Spending): Promise<AccountState[]> {
    const settled = patiently(() => store.settle(holdId, spending), stopping.signal).catch((error: unknown) => {
      // Once this process is gone another one settles it by the journal.
      if (!stopping.signal.aborted) log.warn({ err: error }, 'what a model call used could not be ledgered');
      return [];
    });
    settling.set(holdId, settled);
    void settled.then(() => settling.delete(holdId));
    return settled;
  }

  async function sweep(): Promise<void> {
    while ((await store.settleAbandoned(batchMax)) === batchMax);
    while ((await store.forget(clock.nowMs() - keepMs, batchMax)) === batchMax);
  }

  async function loop(): Promise<void> {
    for (;;) {
      await sweep().catch((error: unknown) =>
        log.warn({ err: error }, 'calls of dead processes could not be settled, trying again later'),
      );
      await clock.sleep(sweepMs * (0.5 + random()), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
    }
  }

  return {
    /** Settles what dead processes have left. */
    service: {
      name: 'budgets',
      async start() {
        sweeping = loop();
      },
      async stop(deadline) {
        await Promise.race([Promise.all(settling.values()), aborted(deadline)]);
        stopping.abort();
        await sweeping;
      },
    } satisfies Service,

    /**
     * Whether a run of this caller may be taken in: the limits of which most is used, or null at once where nothing is
     * limited.
     *
     * @throws {ServiceError} `budget_exceeded`
     */
    check(spender: Spender): Promise<LimitUse[]> | null {
      if (ledger.isFree(spender)) return null;
      return ledger.usesOf(spender).then((uses) => {
        const over = uses.find(isUsedUp);
        if (over === undefined) return uses.filter(isNearLimit);
        refused(over);
        throw budgetExceeded(over, clock.nowMs());
      });
    },

    /** What one attempt at a run may spend. */
    forRun(run: PaidRun, { spentBefore, signal, warn }: RunBudgetOptions): RunBudget {
      return createRunBudget({
        limits: runLimits,
        spentBefore,
        isFree: () => run.budgetKeyId === null && ledger.isFree({ tenantId: run.tenantId, key: null }),
        accounts: () => patiently(() => accountsOfRun(run), signal),
        reserve: async (stepKey, spending, accounts) => {
          const hold = {
            id: ids('hold'),
            tenantId: run.tenantId,
            runId: run.id,
            stepKey,
            attempt: run.attempt,
            processId: processId(),
            spending,
          };
          try {
            return { holdId: hold.id, ...(await patiently(() => store.reserve(hold, accounts), signal)) };
          } catch (error) {
            void settle(hold.id, nothing); // it may have been reserved all the same
            throw error;
          }
        },
        settle,
        changes,
        clock,
        signal,
        warn,
        refused,
      });
    },
  };
}

/** What may be spent by whom. */
export type BudgetControl = ReturnType<typeof createBudgetControl>;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
