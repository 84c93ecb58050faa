import type { Budgets, KeyLimits } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';

/** The holder of budgets that a run spends: a tenant, and the API key of the request if that key has budgets. */
export type Spender = { tenantId: string; key: { id: string; budgets: Budgets } | null };

const hasBudget = ({ budgetUsdDay, budgetTokensDay, budgetUsdMonth, budgetTokensMonth }: KeyLimits): boolean =>
  [budgetUsdDay, budgetTokensDay, budgetUsdMonth, budgetTokensMonth].some((limit) => limit !== null);

/** The holder of the budgets that a caller spends. */
export const spenderOf = ({ tenantId, keyId, limits }: Identity): Spender => ({
  tenantId,
  key: keyId !== null && hasBudget(limits) ? { id: keyId, budgets: limits } : null,
});
