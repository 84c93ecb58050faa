import { ServiceError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import type { LimitUse } from './accounts.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { SetBudgets } from './schemas.ts';
import { spenderOf } from './spender.ts';

/** Dependencies of the service. */
export type BudgetServiceDeps = {
  store: Pick<BudgetStore, 'setTenant' | 'tenants'>;
  ledger: BudgetLedger;
  log: Pick<Logger, 'info'>;
};

/** The limits of a tenant, with their use. */
export type TenantUse = { tenant: string; limits: LimitUse[] };

const toBudgets = (request: SetBudgets): Budgets => ({
  budgetUsdDay: request.usd_day ?? null,
  budgetTokensDay: request.tokens_day ?? null,
  budgetUsdMonth: request.usd_month ?? null,
  budgetTokensMonth: request.tokens_month ?? null,
});

/** Shows budgets with their use, and gives tenants budgets of their own. */
export function createBudgetService({ store, ledger, log }: BudgetServiceDeps) {
  /** The requested tenant. To callers that are no operators, tenants other than their own do not exist. */
  function tenantFor({ isOperator, tenantId }: Identity, requested: string | undefined): string {
    if (requested === undefined || requested === tenantId || isOperator) return requested ?? tenantId;
    throw new ServiceError('not_found', { what: `Tenant ${requested}` });
  }

  async function usesOf(caller: Identity, requested: string | undefined): Promise<TenantUse> {
    const tenant = tenantFor(caller, requested);
    const own = spenderOf(caller);
    return { tenant, limits: await ledger.usesOf(tenant === caller.tenantId ? own : { tenantId: tenant, key: null }) };
  }

  return {
    /** The limits of a tenant; for the tenant of the caller, also those of the caller's key. @throws {ServiceError} `not_found` */
    usesOf,

    /** The tenants with budgets of their own, with the use of these; for the operator. */
    async list(caller: Identity): Promise<TenantUse[]> {
      const tenants = await store.tenants();
      return Promise.all(tenants.map(({ tenantId }) => usesOf(caller, tenantId)));
    },

    /**
     * Replaces the budgets of a tenant. The change takes effect in all processes within seconds. Only the operator may do
     * it, not the admins of the tenant, because the operator pays.
     *
     * @throws {ServiceError} `not_found`, `forbidden`
     */
    async set(caller: Identity, requested: string, request: SetBudgets): Promise<void> {
      const tenant = tenantFor(caller, requested);
      if (!caller.isOperator) {
        const reason = 'Only the operator of the service (ADMIN_API_KEY) gives tenants budgets.';
        throw new ServiceError('forbidden', { reason });
      }
      await store.setTenant(tenant, toBudgets(request));
      log.info({ tenant, ...request, by: caller.keyId }, 'budgets set');
    },
  };
}

/** See `createBudgetService`. */
export type BudgetService = ReturnType<typeof createBudgetService>;
