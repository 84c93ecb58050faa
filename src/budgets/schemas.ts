import { z } from 'zod';
import { tenantSchema } from '../tenancy/index.ts';

/** Budgets beyond this are mistakes. */
const usd = z.number().positive().max(1e9);
const tokens = z.int().positive().max(1e15);

/** One limit on the wire. */
export const limitView = z
  .object({
    scope: z.enum(['key', 'tenant']),
    unit: z.enum(['tokens', 'usd']),
    period: z.enum(['day', 'month']),
    limit: z.number(),
    used: z.number().meta({ description: 'By calls that were answered.' }),
    reserved: z.number().meta({ description: 'By calls under way, at most.' }),
    resets_at: z.iso.datetime({ precision: 3 }),
  })
  .meta({ id: 'BudgetLimit' });

/** Which budgets are looked at. */
export const budgetsQuery = z.strictObject({
  tenant: tenantSchema.optional().meta({ description: 'Defaults to the tenant of the caller.' }),
});

/** The limits of one tenant, and of the key that asks. */
export const budgetsView = z.object({ tenant: z.string(), data: z.array(limitView) }).meta({ id: 'Budgets' });

/** What a tenant may spend; what is left out is as the settings say. */
export const setBudgetsBody = z
  .strictObject({
    usd_day: usd.optional(),
    tokens_day: tokens.optional(),
    usd_month: usd.optional(),
    tokens_month: tokens.optional(),
  })
  .meta({ id: 'SetBudgets' });
/** A request that gives a tenant budgets. */
export type SetBudgets = z.output<typeof setBudgetsBody>;

/** The tenant in an address. */
export const tenantParams = z.object({ tenant: tenantSchema.meta({ description: 'Whose budgets they are.' }) });
