import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';

/** From this age on, in ms, what a tenant may spend is asked for again. */
const staleMs = 2_000;
/** Tenants that are remembered at most. */
const tenantsMax = 10_000;

type Known = { budgets: Budgets; askedMs: number };

/** Budgets that take the place of those that are not given. */
export const withDefaults = (own: Budgets | null, defaults: Budgets): Budgets => ({
  budgetUsdDay: own?.budgetUsdDay ?? defaults.budgetUsdDay,
  budgetTokensDay: own?.budgetTokensDay ?? defaults.budgetTokensDay,
  budgetUsdMonth: own?.budgetUsdMonth ?? defaults.budgetUsdMonth,
  budgetTokensMonth: own?.budgetTokensMonth ?? defaults.budgetTokensMonth,
});

/** What tenants may spend, in this process's memory for at most 2 s. */
export function createTenantBudgetCache(store: Pick<BudgetStore, 'ofTenant'>, defaults: Budgets, clock: Clock) {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Budgets>>();

  async function ask(tenantId: string): Promise<Budgets> {
    const askedMs = clock.monotonicMs();
    try {
      const budgets = withDefaults(await store.ofTenant(tenantId), defaults);
      setBounded(known, tenantId, { budgets, askedMs }, tenantsMax);
      return budgets;
    } finally {
      asking.delete(tenantId);
    }
  }

  return {
    /** What is known at the moment; null if the store has to be asked. */
    peek(tenantId: string): Budgets | null {
      const found = known.get(tenantId);
      return found !== undefined && clock.monotonicMs() - found.askedMs < staleMs ? found.budgets : null;
    },

    /** Rejects with the store's error if it has to be asked and cannot be. */
    async get(tenantId: string): Promise<Budgets> {
      const found = this.peek(tenantId);
      if (found !== null) return found;
      const asked = asking.get(tenantId) ?? ask(tenantId);
      asking.set(tenantId, asked);
      return asked;
    },
  };
}

/** What tenants may spend. */
export type TenantBudgetCache = ReturnType<typeof createTenantBudgetCache>;
