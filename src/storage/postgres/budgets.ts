import {
  type AccountRow,
  accountsText,
  type BudgetsRow,
  budgetColumns,
  budgetValues,
  holdsBudget,
  toAccountState,
  toBudgets,
} from '../budget-row.ts';
import type { BudgetStore } from '../port/index.ts';
import { toExactText, toNameText } from '../text.ts';
import type { Database, Statement } from './database.ts';

const ofTenant: Statement = {
  name: 'budgets_of_tenant',
  text: `select ${budgetColumns.join(', ')} from tenants where id = $1 and (${holdsBudget})`,
};
const setTenant: Statement = {
  name: 'set_tenant_budgets',
  text: `insert into tenants (id, name, created_at_ms, ${budgetColumns.join(', ')})
    values ($1, $1, now_ms(), $2, $3, $4, $5)
    on conflict (id) do update set ${budgetColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`,
};
const selectTenants: Statement = {
  name: 'tenants_with_budgets',
  text: `select id, ${budgetColumns.join(', ')} from tenants where ${holdsBudget} order by id`,
};

// The functions are in migrations/012-budgets.sql.
const reserve: Statement = {
  name: 'reserve_budget',
  text: 'select reserved, (account).* from reserve_budget($1, $2, $3, $4, $5, $6, $7, $8, $9)',
};
const settle: Statement = { name: 'settle_budget', text: 'select * from settle_budget($1, $2, $3)' };
const settleAbandoned: Statement = {
  name: 'settle_abandoned_budgets',
  text: 'select settle_abandoned_budgets($1) as settled',
};
const states: Statement = { name: 'budget_states', text: 'select * from budget_accounts where id = any ($1::text[])' };
const forget: Statement = {
  name: 'forget_budgets',
  text: `delete from budget_accounts where id in (
      select id from budget_accounts where ends_at_ms < $1 and reserved_tokens = 0 and reserved_nano_usd = 0
      limit $2 for update skip locked
    ) returning id`,
};

/** Budgets on Postgres: one statement and one round trip an operation. */
export function createBudgetStore(database: Database): BudgetStore {
  return {
    async ofTenant(tenantId) {
      const [row] = await database.query<BudgetsRow>(ofTenant, [toNameText(tenantId)]);
      return row === undefined ? null : toBudgets(row);
    },
    async setTenant(tenantId, budgets) {
      await database.query(setTenant, [toNameText(tenantId), ...budgetValues(budgets)]);
    },
    async tenants() {
      const rows = await database.query<BudgetsRow & { id: string }>(selectTenants);
      return rows.map((row) => ({ tenantId: row.id, budgets: toBudgets(row) }));
    },
    async reserve({ id, tenantId, runId, stepKey, attempt, processId, spending }, accounts) {
      const { tokens, nanoUsd } = spending;
      const values = [
        id,
        toNameText(tenantId),
        runId,
        toExactText(stepKey),
        attempt,
        processId,
        tokens,
        nanoUsd,
        accountsText(accounts),
      ];
      const rows = await database.query<AccountRow & { reserved: boolean }>(reserve, values);
      return { reserved: rows[0]?.reserved ?? true, accounts: rows.map(toAccountState) };
    },
    async settle(holdId, { tokens, nanoUsd }) {
      return (await database.query<AccountRow>(settle, [holdId, tokens, nanoUsd])).map(toAccountState);
    },
    async settleAbandoned(limit) {
      return (await database.query<{ settled: number }>(settleAbandoned, [limit]))[0]?.settled ?? 0;
    },
    async states(accountIds) {
      return (await database.query<AccountRow>(states, [accountIds])).map(toAccountState);
    },
    forget: async (endedBeforeMs, limit) => (await database.query(forget, [endedBeforeMs, limit])).length,
  };
}
