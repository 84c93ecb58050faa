/** What somebody may spend of each kind and period; null for no limit. Days and months are those of UTC. */
export type Budgets = {
  budgetUsdDay: number | null;
  budgetTokensDay: number | null;
  budgetUsdMonth: number | null;
  budgetTokensMonth: number | null;
};

/** No limit at all. */
export const noBudgets: Budgets = {
  budgetUsdDay: null,
  budgetTokensDay: null,
  budgetUsdMonth: null,
  budgetTokensMonth: null,
};

/** Tokens and nanodollars (1e-9 USD, so that sums are exact), whole numbers. */
export type Spending = { tokens: number; nanoUsd: number };

/** Where spending of one tenant or key in one period is counted, and what may be spent there. */
export type BudgetAccount = {
  id: string;
  /** When the period is over. */
  endsAtMs: number;
  /** Null for no limit. */
  tokensMax: number | null;
  nanoUsdMax: number | null;
};

/** How an account stands: what calls have used, and what calls under way have reserved. */
export type AccountState = { id: string; used: Spending; reserved: Spending };

/** A model call that is about to be made, and what it may spend. */
export type BudgetHold = {
  id: string;
  /** Whose accounts it is reserved in. */
  tenantId: string;
  runId: string;
  /** The key of its step in the journal. */
  stepKey: string;
  attempt: number;
  /** The process that makes it. */
  processId: string;
  spending: Spending;
};

/** What tenants may spend, and what was spent. */
export interface BudgetStore {
  /** What a tenant was given; null if it was given nothing of its own. */
  ofTenant(tenantId: string): Promise<Budgets | null>;

  /** Gives a tenant budgets of its own in place of those it had; with `noBudgets` it has none of its own. */
  setTenant(tenantId: string, budgets: Budgets): Promise<void>;

  /** The tenants that have budgets of their own, in order of their ids. */
  tenants(): Promise<{ tenantId: string; budgets: Budgets }[]>;

  /**
   * Reserves for a call in all accounts, or in none if that would be more than the limit of one of them. However many
   * do this at once, what is used and reserved together is never above a limit by it. A call that takes nothing of a
   * kind is not held up by a limit on that kind. The very same call may come again, since nobody can tell whether it was
   * reserved when the connection was lost. Returns how the accounts stand then.
   */
  reserve(
    hold: BudgetHold,
    accounts: readonly BudgetAccount[],
  ): Promise<{ reserved: boolean; accounts: AccountState[] }>;

  /** Books what a call used in place of what it had reserved, once; returns how the accounts stand, none if it was done. */
  settle(holdId: string, spending: Spending): Promise<AccountState[]>;

  /**
   * Settles calls of dead processes, at most `limit`: by what the journal has of them, with nothing where it has nothing,
   * and with the money that was reserved where it has an answer whose cost is not known. Returns how many.
   */
  settleAbandoned(limit: number): Promise<number>;

  /** How accounts stand; those in which nothing was ever reserved are left out. */
  states(accountIds: readonly string[]): Promise<AccountState[]>;

  /** Forgets accounts whose period was over at that time and in which nothing is reserved, at most `limit`; how many. */
  forget(endedBeforeMs: number, limit: number): Promise<number>;
}
