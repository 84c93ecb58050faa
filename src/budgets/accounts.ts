import { toNanoUsd, toUsd } from '../platform/money.ts';
import type { BudgetAccount, Budgets, Spending } from '../storage/port/index.ts';

/** Whose budget it is. */
export type BudgetScope = 'run' | 'key' | 'tenant';
/** What it is counted in. */
export type BudgetUnit = 'tokens' | 'usd';
/** How long it counts: the life of a run, or a day or month of UTC. */
export type BudgetPeriod = 'run' | 'day' | 'month';

/** An account with what it is for. */
export type ScopedAccount = BudgetAccount & { scope: BudgetScope; period: BudgetPeriod };

/** One limit of an account, and what counts against it; USD and tokens as people write them. */
export type LimitUse = {
  scope: BudgetScope;
  period: BudgetPeriod;
  unit: BudgetUnit;
  limit: number;
  used: number;
  reserved: number;
  endsAtMs: number;
};

/** Nothing spent. */
export const nothing: Spending = { tokens: 0, nanoUsd: 0 };

const plus = (one: Spending, other: Spending): Spending => ({
  tokens: one.tokens + other.tokens,
  nanoUsd: one.nanoUsd + other.nanoUsd,
});
/** The sum of what was spent. */
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

/** The accounts of these holders' budgets at a time: one for each holder and period that has a limit. */
export function accountsOf(holders: readonly Holder[], nowMs: number): ScopedAccount[] {
  const all = holders.flatMap((holder) => [accountOf(holder, 'day', nowMs), accountOf(holder, 'month', nowMs)]);
  return all.filter((account) => account !== null);
}

/** The limits of an account, with what was used and is reserved of each. */
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

/** Whether nothing is left of a limit. */
export const isUsedUp = ({ used, limit }: LimitUse): boolean => used >= limit;

/** From this share of a limit on its use is worth a warning. */
const warnFrom = 0.8;
/** Whether so much of a limit is used that it is worth a warning. */
export const isNearLimit = ({ used, limit }: LimitUse): boolean => used >= limit * warnFrom;
