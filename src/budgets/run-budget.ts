import type { Clock } from '../platform/clock.ts';
import type { AccountState, Spending } from '../storage/port/index.ts';
import { isNearLimit, type LimitUse, limitsOf, nothing, type ScopedAccount, sumOf } from './accounts.ts';
import { budgetExceeded, priceUnknown } from './budget-errors.ts';
import { type CallPrice, maxSpendingOf, type Room, remainingOutputIn } from './remaining-output.ts';
import type { Changes } from './settlement-signal.ts';

/** A model call that is about to be made. */
export type ReservationRequest = {
  /** The key of its step in the journal. */
  stepKey: string;
  /** For people. */
  model: string;
  inputTokens: number;
  /** What it costs; null if nobody knows. */
  money: Pick<CallPrice, 'inputNanoUsd' | 'outputNanoUsd'> | null;
  /** The most tokens that it may put out. */
  outputTokensMax: number;
};

/** What a call may spend, until it is settled. */
export type Reservation = {
  /** What is left for its output, if that is less than it asked for; null otherwise. */
  outputTokensMax: number | null;
  /** Books what the call used in place of what it had reserved. */
  settle(spending: Spending): Promise<void>;
};

/** What a run may spend. */
export type RunLimits = { tokensMax: number | null; nanoUsdMax: number | null };

/** What the budget of a run stands on. */
export type RunBudgetDeps = {
  limits: RunLimits;
  /** What was spent in the run before. */
  spentBefore: Spending;
  /** Whether it is known without a question to the store that there are no such accounts. */
  isFree(): boolean;
  /** The accounts that count at the moment. */
  accounts(): Promise<ScopedAccount[]>;
  /** Reserves for a call in the store's accounts, in all or in none; see `BudgetStore.reserve`. */
  reserve(
    stepKey: string,
    spending: Spending,
    accounts: readonly ScopedAccount[],
  ): Promise<{ holdId: string; reserved: boolean; accounts: AccountState[] }>;
  /** Books a call in the store's accounts, however long that takes, and says how they stand then. */
  settle(holdId: string, spending: Spending): Promise<AccountState[]>;
  /** Says when something was settled in this process. */
  changes: Changes;
  clock: Pick<Clock, 'nowMs'>;
  signal: AbortSignal;
  /** Told of limits of which most is used. */
  warn(limit: LimitUse): void;
  /** Told of each refusal. */
  refused(limit: LimitUse): void;
};

/** A call is not begun with less room for its answer, unless it asks for less. */
const outputTokensLeast = 256;

const free = { inputNanoUsd: 0, outputNanoUsd: 0 };

/**
 * What one run may spend: of its own budget, and of those of its key and tenant. Before each model call the most that it
 * may take is reserved everywhere; so limits hold however many calls are made at once. A call that would fit if others
 * gave back what they have not used waits for them; one that does not fit even then is refused.
 */
export function createRunBudget(deps: RunBudgetDeps) {
  const { limits, changes, clock, signal, warn, refused } = deps;
  const isLimited = limits.tokensMax !== null || limits.nanoUsdMax !== null;
  const held = new Set<Spending>();
  let spent = deps.spentBefore;

  const ownAccount = { ...limits, scope: 'run', period: 'run', endsAtMs: Number.POSITIVE_INFINITY } as const;
  const ownRoom = (price: CallPrice, withHeld: boolean) =>
    remainingOutputIn(limits, withHeld ? sumOf([spent, ...held]) : spent, price);

  /** The limit that leaves least room, if that is too little even without what others have reserved. */
  function refuse(account: Omit<ScopedAccount, 'id'>, used: Spending, unit: Room['unit']): never {
    const limit = limitsOf(account, { used, reserved: nothing }).find((each) => each.unit === unit) as LimitUse;
    refused(limit);
    throw budgetExceeded(limit, clock.nowMs());
  }

  function warnOf(account: Omit<ScopedAccount, 'id'>, used: Spending): void {
    for (const limit of limitsOf(account, { used, reserved: nothing })) if (isNearLimit(limit)) warn(limit);
  }

  /** Reserves so much output in all accounts; otherwise says how much would fit, below 0 if it is to wait. */
  async function reserveIn(
    accounts: readonly ScopedAccount[],
    ask: ReservationRequest,
    price: CallPrice,
    output: number,
  ) {
    const least = Math.min(ask.outputTokensMax, outputTokensLeast);
    const spending = maxSpendingOf(price, output);
    const { holdId, reserved, accounts: states } = await deps.reserve(ask.stepKey, spending, accounts);
    let fits = Number.POSITIVE_INFINITY;
    for (const state of states) {
      const account = accounts.find(({ id }) => id === state.id) as ScopedAccount;
      warnOf(account, state.used);
      if (reserved) continue;
      const atBest = remainingOutputIn(account, state.used, price);
      if (atBest.tokens < least) refuse(account, state.used, atBest.unit);
      fits = Math.min(fits, remainingOutputIn(account, sumOf([state.used, state.reserved]), price).tokens);
    }
    return { holdId: reserved ? holdId : null, fits: fits < least ? -1 : fits };
  }

  function toHold(accounts: readonly ScopedAccount[], reserved: Spending, holdId: string | null, max: number | null) {
    return {
      outputTokensMax: max,
      async settle(spending: Spending): Promise<void> {
        held.delete(reserved);
        spent = sumOf([spent, spending]);
        warnOf(ownAccount, spent);
        if (holdId !== null) {
          for (const { id, used } of await deps.settle(holdId, spending)) {
            warnOf(accounts.find((account) => account.id === id) as ScopedAccount, used);
          }
        }
        changes.tell();
      },
    } satisfies Reservation;
  }

  /** Tries once to have the call fit; null if it is to wait. */
  async function tryToReserve(accounts: readonly ScopedAccount[], ask: ReservationRequest, price: CallPrice) {
    const least = Math.min(ask.outputTokensMax, outputTokensLeast);
    const atBest = ownRoom(price, false);
    if (atBest.tokens < least) refuse(ownAccount, spent, atBest.unit);
    let output = Math.min(ask.outputTokensMax, ownRoom(price, true).tokens);
    while (output >= least) {
      const reserved = maxSpendingOf(price, output);
      const max = output < ask.outputTokensMax ? output : null;
      held.add(reserved);
      if (accounts.length === 0) return toHold(accounts, reserved, null, max);
      const { holdId, fits } = await reserveIn(accounts, ask, price, output).catch((error: unknown) => {
        held.delete(reserved);
        throw error;
      });
      if (holdId !== null) return toHold(accounts, reserved, holdId, max);
      held.delete(reserved);
      output = Math.min(output, fits);
    }
    return null;
  }

  async function reserve(toAsk: () => ReservationRequest): Promise<Reservation | null> {
    let ask: ReservationRequest | null = null;
    for (;;) {
      signal.throwIfAborted();
      const accounts = await deps.accounts(); // anew each time: the day may end while it waits
      if (accounts.length === 0 && !isLimited) return null;
      ask ??= toAsk();
      const limitsMoney = [...accounts, limits].some(({ nanoUsdMax }) => nanoUsdMax !== null);
      if (ask.money === null && limitsMoney) throw priceUnknown(ask.model);
      const hold = await tryToReserve(accounts, ask, { inputTokens: ask.inputTokens, ...(ask.money ?? free) });
      if (hold !== null) return hold;
      await changes.wait(signal);
    }
  }

  return {
    /**
     * Reserves for a call, and waits for others to give back if it has to. Null where nothing is limited, at once where
     * that is known; then nobody asks what the call takes.
     *
     * @throws {ServiceError} `budget_exceeded`
     */
    reserve: (toAsk: () => ReservationRequest): Promise<Reservation | null> | null =>
      !isLimited && deps.isFree() ? null : reserve(toAsk),
  };
}

/** What one run may spend. */
export type RunBudget = Pick<ReturnType<typeof createRunBudget>, 'reserve'>;
