import { ServiceError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { BudgetStore, Budgets } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import type { LimitUse } from './accounts.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { SetBudgets } from './schemas.ts';
import { spenderOf } from './spender.ts';

/** What the service stands on. */
export type BudgetServiceDeps = {
  store: Pick<BudgetStore, 'setTenant' | 'tenants'>;
  ledger: BudgetLedger;
  log: Pick<Logger, 'info'>;
};

/** A tenant's limits, with what was used of them. */
export type TenantUse = { tenant: string; limits: LimitUse[] };

const toBudgets = (request: SetBudgets): Budgets => ({
  budgetUsdDay: request.usd_day ?? null,
  budgetTokensDay: request.tokens_day ?? null,
  budgetUsdMonth: request.usd_month ?? null,
  budgetTokensMonth: request.tokens_month ?? null,
});

/** What may be spent, and what was: looking at it, and giving tenants budgets of their own. */
export function createBudgetService({ store, ledger, log }: BudgetServiceDeps) {
  /** Of tenants other than their own, callers learn nothing. */
  function tenantFor({ isOperator, tenantId }: Identity, asked: string | undefined): string {
    if (asked === undefined || asked === tenantId || isOperator) return asked ?? tenantId;
    throw new ServiceError('not_found', { what: `Tenant ${asked}` });
  }

  async function usesOf(caller: Identity, asked: string | undefined): Promise<TenantUse> {
    const tenant = tenantFor(caller, asked);
    const own = spenderOf(caller);
    return { tenant, limits: await ledger.usesOf(tenant === caller.tenantId ? own : { tenantId: tenant, key: null }) };
  }

  return {
    /** The limits of a tenant and, for its own, of the caller's key. @throws {ServiceError} `not_found` */
    usesOf,

    /** The tenants that were given budgets of their own, and how they stand; for the operator. */
    async list(caller: Identity): Promise<TenantUse[]> {
      const tenants = await store.tenants();
      return Promise.all(tenants.map(({ tenantId }) => usesOf(caller, tenantId)));
    },

    /**
     * Gives a tenant budgets of its own in place of those it had; all processes know within seconds. A tenant's own
     * admins may not: it is not their money.
     *
     * @throws {ServiceError} `not_found`, `forbidden`
     */
    async set(caller: Identity, asked: string, request: SetBudgets): Promise<void> {
      const tenant = tenantFor(caller, asked);
      if (!caller.isOperator) {
        const reason = 'Only the operator of the service (ADMIN_API_KEY) gives tenants budgets.';
        throw new ServiceError('forbidden', { reason });
      }
      await store.setTenant(tenant, toBudgets(request));
      log.info({ tenant, ...request, by: caller.keyId }, 'budgets set');
    },
  };
}

/** What may be spent, and what was. */
export type BudgetService = ReturnType<typeof createBudgetService>;
