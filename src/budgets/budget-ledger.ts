import type { Clock } from '../platform/clock.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';
import { accountsOf, type LimitUse, limitsOf, nothing, type ScopedAccount } from './accounts.ts';
import type { Spender } from './spender.ts';
import { createTenantBudgetCache } from './tenant-budget-cache.ts';

/** Dependencies of the ledger. */
export type BudgetLedgerDeps = {
  store: Pick<BudgetStore, 'ofTenant' | 'states'>;
  /** The budgets of tenants without budgets of their own. */
  tenantDefaults: Budgets;
  clock: Clock;
};

const holdersOf = ({ tenantId, key }: Spender, budgets: Budgets) => [
  { scope: 'tenant', id: tenantId, budgets } as const,
  ...(key === null ? [] : [{ scope: 'key', ...key } as const]),
];

/** The limits that apply to a spender, and their use. */
export function createBudgetLedger({ store, tenantDefaults, clock }: BudgetLedgerDeps) {
  const tenants = createTenantBudgetCache(store, tenantDefaults, clock);

  const accountsFor = async (spender: Spender): Promise<ScopedAccount[]> =>
    accountsOf(holdersOf(spender, await tenants.get(spender.tenantId)), clock.nowMs());

  return {
    /** Whether it is known without a query to the store that no limit applies to the spender. */
    isKnownUnlimited(spender: Spender): boolean {
      const budgets = tenants.peek(spender.tenantId);
      return budgets !== null && accountsOf(holdersOf(spender, budgets), clock.nowMs()).length === 0;
    },

    /** The accounts of the spender for the current day and month. */
    accountsFor,

    /** All limits of a spender, with their use. */
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

/** See `createBudgetLedger`. */
export type BudgetLedger = ReturnType<typeof createBudgetLedger>;
