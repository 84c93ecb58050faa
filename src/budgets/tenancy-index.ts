export { type BudgetPeriod, type BudgetScope, type BudgetUnit, type LimitUse, toNanoUsd } from './accounts.ts';
export { type BudgetControl, createBudgetControl } from './budget-control.ts';
export { type BudgetLedger, createBudgetLedger, type Spender } from './budget-ledger.ts';
export { type CallPrice, maxSpendingOf } from './remaining-output.ts';
export type { Reservation, ReservationRequest, RunBudget } from './run-budget.ts';
