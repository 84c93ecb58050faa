import { setBounded } from '../platform/bounded-map.ts';
import type { Clock } from '../platform/clock.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';

/** The age at which the budgets of a tenant are read again, in ms. */
const staleMs = 2_000;
/** Tenants in the cache at most. */
const tenantsMax = 10_000;

type Cached = { budgets: Budgets; readAtMs: number };

/** The budgets of a tenant, with the defaults for those that it has not. */
export const withDefaults = (own: Budgets | null, defaults: Budgets): Budgets => ({
  budgetUsdDay: own?.budgetUsdDay ?? defaults.budgetUsdDay,
  budgetTokensDay: own?.budgetTokensDay ?? defaults.budgetTokensDay,
  budgetUsdMonth: own?.budgetUsdMonth ?? defaults.budgetUsdMonth,
  budgetTokensMonth: own?.budgetTokensMonth ?? defaults.budgetTokensMonth,
});

/** Caches the budgets of tenants in the memory of this process for at most 2 s. */
export function createTenantBudgetCache(store: Pick<BudgetStore, 'ofTenant'>, defaults: Budgets, clock: Clock) {
  const cached = new Map<string, Cached>();
  const reading = new Map<string, Promise<Budgets>>();

  async function read(tenantId: string): Promise<Budgets> {
    const readAtMs = clock.monotonicMs();
    try {
      const budgets = withDefaults(await store.ofTenant(tenantId), defaults);
      setBounded(cached, tenantId, { budgets, readAtMs }, tenantsMax);
      return budgets;
    } finally {
      reading.delete(tenantId);
    }
  }

  return {
    /** The cached budgets; null if they have to be read from the store. */
    peek(tenantId: string): Budgets | null {
      const found = cached.get(tenantId);
      return found !== undefined && clock.monotonicMs() - found.readAtMs < staleMs ? found.budgets : null;
    },

    /** The cached budgets, or those of the store. Rejects with the error of the store if the read fails. */
    async get(tenantId: string): Promise<Budgets> {
      const found = this.peek(tenantId);
      if (found !== null) return found;
      const pending = reading.get(tenantId) ?? read(tenantId);
      reading.set(tenantId, pending);
      return pending;
    },
  };
}

/** See `createTenantBudgetCache`. */
export type TenantBudgetCache = ReturnType<typeof createTenantBudgetCache>;
