import { toNanoUsd, toUsd } from '../platform/money.ts';
import type { BudgetAccount, Budgets, Spending } from '../storage/port/index.ts';

/** The holder of a budget. */
export type BudgetScope = 'run' | 'key' | 'tenant';
/** The unit of a limit. */
export type BudgetUnit = 'tokens' | 'usd';
/** The period of a limit: the whole run, or a day or month of UTC. */
export type BudgetPeriod = 'run' | 'day' | 'month';

/** An account with its holder and period. */
export type ScopedAccount = BudgetAccount & { scope: BudgetScope; period: BudgetPeriod };

/** One limit of an account, and its use. Amounts are in USD (not nanodollars) or tokens. */
export type LimitUse = {
  scope: BudgetScope;
  period: BudgetPeriod;
  unit: BudgetUnit;
  limit: number;
  used: number;
  reserved: number;
  endsAtMs: number;
};

/** No spending. */
export const nothing: Spending = { tokens: 0, nanoUsd: 0 };

const plus = (one: Spending, other: Spending): Spending => ({
  tokens: one.tokens + other.tokens,
  nanoUsd: one.nanoUsd + other.nanoUsd,
});
/** The sum of spendings. */
export const sumOf = (spendings: readonly Spending[]): Spending => spendings.reduce(plus, nothing);

type Holder = { scope: 'key' | 'tenant'; id: string; budgets: Budgets };

function accountOf({ scope, id, budgets }: Holder, period: 'day' | 'month', nowMs: number): ScopedAccount | null {
  const [usd, tokens] =
    period === 'day'
      ? [budgets.budgetUsdDay, budgets.budgetTokensDay]
      : [budgets.budgetUsdMonth, budgets.budgetTokensMonth];
  if (usd === null && tokens === null) return null;
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  return {
    id: `${scope}:${id}:${now.toISOString().slice(0, period === 'day' ? 10 : 7)}`,
    scope,
    period,
    endsAtMs: period === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1),
    tokensMax: tokens,
    nanoUsdMax: usd === null ? null : toNanoUsd(usd),
  };
}

/** The accounts of the holders' budgets at a time: one for each holder and period that has a limit. */
export function accountsOf(holders: readonly Holder[], nowMs: number): ScopedAccount[] {
  const all = holders.flatMap((holder) => [accountOf(holder, 'day', nowMs), accountOf(holder, 'month', nowMs)]);
  return all.filter((account) => account !== null);
}

/** The limits of an account, each with its used and reserved amount. */
export function limitsOf(
  { scope, period, tokensMax, nanoUsdMax, endsAtMs }: Omit<ScopedAccount, 'id'>,
  { used, reserved }: { used: Spending; reserved: Spending },
): LimitUse[] {
  const limits: LimitUse[] = [];
  const shared = { scope, period, endsAtMs };
  if (nanoUsdMax !== null) {
    const usd = { limit: toUsd(nanoUsdMax), used: toUsd(used.nanoUsd), reserved: toUsd(reserved.nanoUsd) };
    limits.push({ ...shared, unit: 'usd', ...usd });
  }
  if (tokensMax !== null) {
    limits.push({ ...shared, unit: 'tokens', limit: tokensMax, used: used.tokens, reserved: reserved.tokens });
  }
  return limits;
}

/** Whether a limit is used up. */
export const isUsedUp = ({ used, limit }: LimitUse): boolean => used >= limit;

/** The used share of a limit from which a warning is given. */
const warnFrom = 0.8;
/** Whether a limit is nearly or fully used up, so that a warning is given. */
export const isNearLimit = ({ used, limit }: LimitUse): boolean => used >= limit * warnFrom;
