import { describe, expect, test } from 'vitest';
import { noBudgets } from '../storage/port/index.ts';
import { accountsOf, isNearLimit, isUsedUp, type LimitUse, limitsOf } from './accounts.ts';

const at = (time: string) => Date.parse(time);

describe('the accounts of budgets', () => {
  test('are those of the current day and month of UTC, one for each holder and period with a limit', () => {
    const budgets = { budgetUsdDay: 0.1, budgetTokensDay: null, budgetUsdMonth: null, budgetTokensMonth: 500 };
    const key = { scope: 'key', id: 'key_1', budgets: { ...noBudgets, budgetUsdDay: 3, budgetTokensDay: 7 } } as const;
    const accounts = accountsOf([{ scope: 'tenant', id: 'acme', budgets }, key], at('2026-12-31T23:59:59.999Z'));
    const newYear = at('2027-01-01T00:00:00Z');
    expect(accounts).toEqual([
      {
        id: 'tenant:acme:2026-12-31',
        scope: 'tenant',
        period: 'day',
        endsAtMs: newYear,
        tokensMax: null,
        nanoUsdMax: 1e8,
      },
      {
        id: 'tenant:acme:2026-12',
        scope: 'tenant',
        period: 'month',
        endsAtMs: newYear,
        tokensMax: 500,
        nanoUsdMax: null,
      },
      { id: 'key:key_1:2026-12-31', scope: 'key', period: 'day', endsAtMs: newYear, tokensMax: 7, nanoUsdMax: 3e9 },
    ]);
    expect(accountsOf([key], at('2027-01-01T00:00:00Z'))[0]?.id).toBe('key:key_1:2027-01-01');
  });

  test('do not exist for a holder without limits', () => {
    expect(accountsOf([{ scope: 'tenant', id: 'acme', budgets: noBudgets }], 0)).toEqual([]);
  });

  test('list the use of each limit in USD or tokens', () => {
    const limits = { scope: 'key', period: 'day', endsAtMs: 5, tokensMax: 100, nanoUsdMax: 2e9 } as const;
    const used = { used: { tokens: 80, nanoUsd: 500_000_000 }, reserved: { tokens: 5, nanoUsd: 0 } };
    const shared = { scope: 'key', period: 'day', endsAtMs: 5 };
    expect(limitsOf(limits, used)).toEqual([
      { ...shared, unit: 'usd', limit: 2, used: 0.5, reserved: 0 },
      { ...shared, unit: 'tokens', limit: 100, used: 80, reserved: 5 },
    ]);
  });

  test.each([
    { used: 79.9, near: false, usedUp: false },
    { used: 80, near: true, usedUp: false },
    { used: 100, near: true, usedUp: true },
  ])('$used of 100: near the limit $near, used up $usedUp', ({ used, near, usedUp }) => {
    const limit: LimitUse = { scope: 'run', period: 'run', unit: 'usd', limit: 100, used, reserved: 50, endsAtMs: 0 };
    expect([isNearLimit(limit), isUsedUp(limit)]).toEqual([near, usedUp]);
  });
});
