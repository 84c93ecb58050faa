import type { z } from 'zod';
import { setting } from './setting.ts';
import { amount, optional, whole } from './setting-schemas.ts';

const tokens = optional(whole(1, 1e15));
const usd = optional(amount(1e9));

/** The settings of budgets; they are part of the table of all settings. */
export const budgetSettings = {
  RUN_BUDGET_USD: setting({
    schema: usd,
    about: 'Budget of a run in USD; see docs/budgets.md. Defaults to no limit, as do the other budgets.',
  }),
  RUN_BUDGET_TOKENS: setting({ schema: tokens, about: 'Budget of a run in tokens, input plus output.' }),
  TENANT_BUDGET_USD_DAY: setting({
    schema: usd,
    about: 'Budget of a tenant in USD for each UTC day, unless the tenant has a budget of its own.',
  }),
  TENANT_BUDGET_TOKENS_DAY: setting({ schema: tokens, about: 'Budget of a tenant in tokens for each UTC day.' }),
  TENANT_BUDGET_USD_MONTH: setting({ schema: usd, about: 'Budget of a tenant in USD for each UTC month.' }),
  TENANT_BUDGET_TOKENS_MONTH: setting({ schema: tokens, about: 'Budget of a tenant in tokens for each UTC month.' }),
} as const;

type Table = typeof budgetSettings;
type Parsed = { [Name in keyof Table]: z.output<Table[Name]['schema']> };

/** Converts them to the settings that the code uses; null for no limit. */
export function toBudgetSettings(parsed: Parsed) {
  return {
    runBudget: { usd: parsed.RUN_BUDGET_USD ?? null, tokens: parsed.RUN_BUDGET_TOKENS ?? null },
    tenantBudgets: {
      budgetUsdDay: parsed.TENANT_BUDGET_USD_DAY ?? null,
      budgetTokensDay: parsed.TENANT_BUDGET_TOKENS_DAY ?? null,
      budgetUsdMonth: parsed.TENANT_BUDGET_USD_MONTH ?? null,
      budgetTokensMonth: parsed.TENANT_BUDGET_TOKENS_MONTH ?? null,
    },
  };
}
