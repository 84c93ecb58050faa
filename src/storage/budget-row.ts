import type { AccountState, BudgetAccount, Budgets } from './port/index.ts';

/** The columns of `Budgets`, the same in every table that has them. */
export type BudgetsRow = {
  budget_usd_day: number | null;
  budget_tokens_day: number | null;
  budget_usd_month: number | null;
  budget_tokens_month: number | null;
};

/** The columns, in the order of `budgetValues`. */
export const budgetColumns = [
  'budget_usd_day',
  'budget_tokens_day',
  'budget_usd_month',
  'budget_tokens_month',
] as const satisfies (keyof BudgetsRow)[];

/** The values of budgets, in the order of `budgetColumns`. */
export const budgetValues = (budgets: Budgets): (number | null)[] => [
  budgets.budgetUsdDay,
  budgets.budgetTokensDay,
  budgets.budgetUsdMonth,
  budgets.budgetTokensMonth,
];

/** The budgets of a row. */
export const toBudgets = (row: BudgetsRow): Budgets => ({
  budgetUsdDay: row.budget_usd_day,
  budgetTokensDay: row.budget_tokens_day,
  budgetUsdMonth: row.budget_usd_month,
  budgetTokensMonth: row.budget_tokens_month,
});

/** Whether a row holds a budget. */
export const holdsBudget = budgetColumns.map((column) => `${column} is not null`).join(' or ');

/** A row of `budget_accounts`. */
export type AccountRow = {
  id: string;
  used_tokens: number;
  used_nano_usd: number;
  reserved_tokens: number;
  reserved_nano_usd: number;
};

/** The account of a row. */
export const toAccountState = (row: AccountRow): AccountState => ({
  id: row.id,
  used: { tokens: row.used_tokens, nanoUsd: row.used_nano_usd },
  reserved: { tokens: row.reserved_tokens, nanoUsd: row.reserved_nano_usd },
});

/** The accounts as the JSON parameter of statements. */
export const accountsText = (accounts: readonly BudgetAccount[]): string =>
  JSON.stringify(
    accounts.map(({ id, endsAtMs, tokensMax, nanoUsdMax }) => ({
      id,
      ends_at_ms: endsAtMs,
      tokens_max: tokensMax,
      nano_usd_max: nanoUsdMax,
    })),
  );
