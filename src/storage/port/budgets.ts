/** The spending limits of a tenant or key, by unit and period; null for no limit. Days and months are those of UTC. */
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

/** The account that counts the spending of one tenant or key in one period, and its limits. */
export type BudgetAccount = {
  id: string;
  /** When the period ends. */
  endsAtMs: number;
  /** Null for no limit. */
  tokensMax: number | null;
  nanoUsdMax: number | null;
};

/** The state of an account: what finished calls have used, and what running calls have reserved. */
export type AccountState = { id: string; used: Spending; reserved: Spending };

/** The reservation of a model call that is about to be made. */
export type BudgetHold = {
  id: string;
  /** The tenant in whose accounts it is reserved. */
  tenantId: string;
  runId: string;
  /** The key of its step in the journal. */
  stepKey: string;
  attempt: number;
  /** The process that makes it. */
  processId: string;
  spending: Spending;
};

/** Budgets of tenants, and a ledger of what was reserved and spent. */
export interface BudgetStore {
  /** The budgets of a tenant; null if it has none of its own. */
  ofTenant(tenantId: string): Promise<Budgets | null>;

  /** Sets the budgets of a tenant in place of those it had; with `noBudgets` it has none of its own. */
  setTenant(tenantId: string, budgets: Budgets): Promise<void>;

  /** The tenants that have budgets of their own, in order of their ids. */
  tenants(): Promise<{ tenantId: string; budgets: Budgets }[]>;

  /**
   * Reserves for a call in all accounts, or in none if that would exceed the limit of one of them. However many
   * reservations are made at once, none of them brings the sum of used and reserved above a limit. A call that reserves
   * nothing of a unit is not refused by a limit on that unit. The same reservation may be repeated, since after a lost
   * connection it is unknown whether it was made. Returns the state of the accounts after it.
   */
  reserve(
    hold: BudgetHold,
    accounts: readonly BudgetAccount[],
  ): Promise<{ reserved: boolean; accounts: AccountState[] }>;

  /** Replaces a reservation by what the call used, once. Returns the state of the accounts; none if that was done before. */
  settle(holdId: string, spending: Spending): Promise<AccountState[]>;

  /**
   * Settles the reservations of dead processes, at most `limit`: with what the journal says the calls used; with nothing
   * if it has no answer; with the money that was reserved if the cost of its answer is not known. Returns how many.
   */
  settleAbandoned(limit: number): Promise<number>;

  /** The states of accounts; accounts without any reservation so far are left out. */
  states(accountIds: readonly string[]): Promise<AccountState[]>;

  /** Removes accounts whose period ended before that time and that have no reservation, at most `limit`; how many. */
  forget(endedBeforeMs: number, limit: number): Promise<number>;
}
