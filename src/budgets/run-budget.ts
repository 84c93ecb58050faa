import type { Clock } from '../platform/clock.ts';
import type { AccountState, Spending } from '../storage/port/index.ts';
import { isNearLimit, type LimitUse, limitsOf, nothing, type ScopedAccount, sumOf } from './accounts.ts';
import { budgetExceeded, priceUnknown } from './budget-errors.ts';
import { type CallPrice, maxSpendingOf, type RemainingOutput, remainingOutputIn } from './remaining-output.ts';
import { type AccountLimits, RunAccount, type RunLimits } from './run-account.ts';
import type { SettlementSignal } from './settlement-signal.ts';

/** A model call that is about to be made. */
export type ReservationRequest = {
  /** The key of its step in the journal. */
  stepKey: string;
  /** The name of the model, for error messages. */
  model: string;
  inputTokens: number;
  /** The price of the call; null if it is not known. */
  money: Pick<CallPrice, 'inputNanoUsd' | 'outputNanoUsd'> | null;
  /** The most tokens that the call may put out. */
  outputTokensMax: number;
};

/** What a call may spend, until it is settled. */
export type Reservation = {
  /** The output that the budgets leave to the call, if that is less than it requested; null otherwise. */
  outputTokensMax: number | null;
  /** Replaces the reservation by what the call has spent. */
  settle(spending: Spending): Promise<void>;
};

/** Dependencies of the budget of a run. */
export type RunBudgetDeps = {
  limits: RunLimits;
  /** What earlier attempts at the run have spent. */
  spentBefore: Spending;
  /** Whether it is known without a query to the store that no tenant or key budget applies. */
  isKnownUnlimited(): boolean;
  /** The tenant and key accounts of the current day and month. */
  accounts(): Promise<ScopedAccount[]>;
  /** Reserves for a call in the accounts of the store, in all or in none; see `BudgetStore.reserve`. */
  reserve(
    stepKey: string,
    spending: Spending,
    accounts: readonly ScopedAccount[],
  ): Promise<{ holdId: string; reserved: boolean; accounts: AccountState[] }>;
  /** Settles a reservation in the store, retrying as long as necessary, and returns the new state of its accounts. */
  settle(holdId: string, spending: Spending): Promise<AccountState[]>;
  /** Wakes waiting calls when this process settles a reservation. */
  settlements: SettlementSignal;
  clock: Pick<Clock, 'nowMs'>;
  signal: AbortSignal;
  /** Called with each limit that is nearly used up. */
  warn(limit: LimitUse): void;
  /** Called with the limit that a call is refused by. */
  countRefusal(limit: LimitUse): void;
};

/** A call is not made with less output than this, unless it requests less. */
const outputTokensLeast = 256;

const outputTokensMin = ({ outputTokensMax }: ReservationRequest): number =>
  Math.min(outputTokensMax, outputTokensLeast);

const freeOfCharge = { inputNanoUsd: 0, outputNanoUsd: 0 };

/**
 * The price of a requested call.
 *
 * @throws {ServiceError} `budget_exceeded` if the price is not known, but one of the budgets is in USD
 */
function priceOf({ money, inputTokens, model }: ReservationRequest, budgets: readonly RunLimits[]): CallPrice {
  if (money === null && budgets.some(({ nanoUsdMax }) => nanoUsdMax !== null)) throw priceUnknown(model);
  return { inputTokens, ...(money ?? freeOfCharge) };
}

/**
 * The budgets that one attempt at a run spends: that of the run, and those of its key and tenant. Before each model call
 * the most that it may spend is reserved in all of them, so the limits hold for any number of concurrent calls. A call
 * that fits only if other calls spend less than they have reserved waits for their settlement; one that does not fit even
 * then is refused.
 */
class CallReservations {
  readonly #deps: RunBudgetDeps;
  readonly #run: RunAccount;

  constructor(deps: RunBudgetDeps) {
    this.#deps = deps;
    this.#run = new RunAccount(deps.limits, deps.spentBefore);
  }

  readonly reserve = (toRequest: () => ReservationRequest): Promise<Reservation | null> | null =>
    !this.#run.isLimited && this.#deps.isKnownUnlimited() ? null : this.#reserveWithin(toRequest);

  async #reserveWithin(toRequest: () => ReservationRequest): Promise<Reservation | null> {
    const { accounts: currentAccounts, limits, settlements, signal } = this.#deps;
    let request: ReservationRequest | null = null;
    for (;;) {
      signal.throwIfAborted();
      const accounts = await currentAccounts(); // in each pass: a day or month may end while the call waits
      if (accounts.length === 0 && !this.#run.isLimited) return null;
      request ??= toRequest();
      const reservation = await this.#tryToReserve(accounts, request, priceOf(request, [...accounts, limits]));
      if (reservation !== null) return reservation;
      await settlements.wait(signal);
    }
  }

  /** Tries once to reserve, if necessary with less output; null if the call has to wait. */
  async #tryToReserve(accounts: readonly ScopedAccount[], request: ReservationRequest, price: CallPrice) {
    const run = this.#run;
    const outputMin = outputTokensMin(request);
    const atBest = run.remainingOutputMax(price);
    if (atBest.tokens < outputMin) this.#refuse(run.limits, run.spent, atBest.unit);
    let output = Math.min(request.outputTokensMax, run.remainingOutput(price).tokens);
    while (output >= outputMin) {
      const reserved = maxSpendingOf(price, output);
      const outputTokensMax = output < request.outputTokensMax ? output : null;
      run.reserve(reserved);
      if (accounts.length === 0) return this.#toReservation(accounts, reserved, null, outputTokensMax);
      const { holdId, remaining } = await this.#reserveInStore(accounts, request, price, reserved).catch(
        (error: unknown) => {
          run.release(reserved);
          throw error;
        },
      );
      if (holdId !== null) return this.#toReservation(accounts, reserved, holdId, outputTokensMax);
      run.release(reserved);
      output = Math.min(output, remaining);
    }
    return null;
  }

  /** Reserves in all accounts of the store, or returns the output that they leave; below 0 if the call has to wait. */
  async #reserveInStore(
    accounts: readonly ScopedAccount[],
    request: ReservationRequest,
    price: CallPrice,
    spending: Spending,
  ) {
    const outputMin = outputTokensMin(request);
    const { holdId, reserved, accounts: states } = await this.#deps.reserve(request.stepKey, spending, accounts);
    let remaining = Number.POSITIVE_INFINITY;
    for (const state of states) {
      const account = accounts.find(({ id }) => id === state.id) as ScopedAccount;
      this.#warnNearLimit(account, state.used);
      if (reserved) continue;
      const atBest = remainingOutputIn(account, state.used, price);
      if (atBest.tokens < outputMin) this.#refuse(account, state.used, atBest.unit);
      remaining = Math.min(remaining, remainingOutputIn(account, sumOf([state.used, state.reserved]), price).tokens);
    }
    return { holdId: reserved ? holdId : null, remaining: remaining < outputMin ? -1 : remaining };
  }

  #toReservation(
    accounts: readonly ScopedAccount[],
    reserved: Spending,
    holdId: string | null,
    outputTokensMax: number | null,
  ): Reservation {
    return {
      outputTokensMax,
      settle: async (spending) => {
        this.#run.settle(reserved, spending);
        this.#warnNearLimit(this.#run.limits, this.#run.spent);
        if (holdId !== null) {
          for (const { id, used } of await this.#deps.settle(holdId, spending)) {
            this.#warnNearLimit(accounts.find((account) => account.id === id) as ScopedAccount, used);
          }
        }
        this.#deps.settlements.notify();
      },
    };
  }

  /** Refuses a call for which the account leaves too little, even if all open reservations turn out to use nothing. */
  #refuse(account: AccountLimits, used: Spending, unit: RemainingOutput['unit']): never {
    const limit = limitsOf(account, { used, reserved: nothing }).find((each) => each.unit === unit) as LimitUse;
    this.#deps.countRefusal(limit);
    throw budgetExceeded(limit, this.#deps.clock.nowMs());
  }

  #warnNearLimit(account: AccountLimits, used: Spending): void {
    for (const limit of limitsOf(account, { used, reserved: nothing })) if (isNearLimit(limit)) this.#deps.warn(limit);
  }
}

/** The budget of one attempt at a run. */
export type RunBudget = {
  /**
   * Reserves for a model call, and waits for the settlement of other calls if necessary. Null if no budget applies; at
   * once, not as a promise, if that is known without the store. `toRequest` is not called unless a budget applies.
   *
   * @throws {ServiceError} `budget_exceeded`
   */
  reserve(toRequest: () => ReservationRequest): Promise<Reservation | null> | null;
};

/** Creates the budget of one attempt at a run. */
export const createRunBudget = (deps: RunBudgetDeps): RunBudget => new CallReservations(deps);
