import { z } from 'zod';
import { tenantSchema } from '../tenancy/index.ts';

/** Larger budgets are taken for mistakes. */
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

/** The query for budgets. */
export const budgetsQuery = z.strictObject({
  tenant: tenantSchema.optional().meta({ description: 'Defaults to the tenant of the caller.' }),
});

/** The limits of one tenant, and of the caller's key. */
export const budgetsView = z.object({ tenant: z.string(), data: z.array(limitView) }).meta({ id: 'Budgets' });

/** The budgets of a tenant. A budget that is left out defaults to that of the settings. */
export const setBudgetsBody = z
  .strictObject({
    usd_day: usd.optional(),
    tokens_day: tokens.optional(),
    usd_month: usd.optional(),
    tokens_month: tokens.optional(),
  })
  .meta({ id: 'SetBudgets' });
/** A request that sets the budgets of a tenant. */
export type SetBudgets = z.output<typeof setBudgetsBody>;

/** The tenant in a path. */
export const tenantParams = z.object({ tenant: tenantSchema.meta({ description: 'Whose budgets they are.' }) });
