import type { Clock } from '../platform/clock.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';
import { accountsOf, type LimitUse, limitsOf, nothing, type ScopedAccount } from './accounts.ts';
import type { Spender } from './spender.ts';
import { createTenantBudgetCache } from './tenant-budget-cache.ts';

/** What the book stands on. */
export type BudgetLedgerDeps = {
  store: Pick<BudgetStore, 'ofTenant' | 'states'>;
  /** What tenants may spend who were given nothing of their own. */
  tenantDefaults: Budgets;
  clock: Clock;
};

const holdersOf = ({ tenantId, key }: Spender, budgets: Budgets) => [
  { scope: 'tenant', id: tenantId, budgets } as const,
  ...(key === null ? [] : [{ scope: 'key', ...key } as const]),
];

/** Which limits there are for whom, and how much of them is used. */
export function createBudgetLedger({ store, tenantDefaults, clock }: BudgetLedgerDeps) {
  const tenants = createTenantBudgetCache(store, tenantDefaults, clock);

  const accountsFor = async (spender: Spender): Promise<ScopedAccount[]> =>
    accountsOf(holdersOf(spender, await tenants.get(spender.tenantId)), clock.nowMs());

  return {
    /** Whether it is known without a question to the store that nothing limits this spender. */
    isFree(spender: Spender): boolean {
      const budgets = tenants.peek(spender.tenantId);
      return budgets !== null && accountsOf(holdersOf(spender, budgets), clock.nowMs()).length === 0;
    },

    /** The accounts that count at the moment. */
    accountsFor,

    /** Every limit of a spender, with what was used of it. */
    async usesOf(spender: Spender): Promise<LimitUse[]> {
      const accounts = await accountsFor(spender);
      if (accounts.length === 0) return [];
      const states = new Map((await store.states(accounts.map(({ id }) => id))).map((state) => [state.id, state]));
      return accounts.flatMap((account) =>
        limitsOf(account, states.get(account.id) ?? { used: nothing, reserved: nothing }),
      );
    },
  };
}

/** Which limits there are for whom. */
export type BudgetLedger = ReturnType<typeof createBudgetLedger>;
