export { type BudgetPeriod, type BudgetScope, type BudgetUnit, type LimitUse, toNanoUsd } from './accounts.ts';
export { type BudgetBook, createBudgetBook, type Spender } from './book.ts';
export { type BudgetControl, createBudgets } from './budgets.ts';
export { type CallPrice, spendingOf } from './room.ts';
export type { CallAsk, CallHold, RunBudget } from './run-budget.ts';
