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
import type { AccountState, BudgetStore, Spending } from '../port/index.ts';
import { toExactText } from '../text.ts';
import type { Database, Sql } from './database.ts';
import type { Operation, Operations } from './operation.ts';

const ofTenant = `select ${budgetColumns.join(', ')} from tenants where id = ? and (${holdsBudget})`;
const setTenant = `
  insert into tenants (id, name, created_at_ms, ${budgetColumns.join(', ')}) values (?1, ?1, ?2, ?3, ?4, ?5, ?6)
  on conflict (id) do update set ${budgetColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`;
const selectTenants = `select id, ${budgetColumns.join(', ')} from tenants where ${holdsBudget} order by id`;

const openAccounts = `
  insert or ignore into budget_accounts (id, tenant_id, ends_at_ms)
  select value ->> 'id', ?2, value ->> 'ends_at_ms' from json_each(?1)`;
const beyondLimit = `
  select 1 from json_each(?1) as asked join budget_accounts as kept on kept.id = asked.value ->> 'id'
  where ?2 > 0 and used_tokens + reserved_tokens + ?2 > asked.value ->> 'tokens_max'
    or ?3 > 0 and used_nano_usd + reserved_nano_usd + ?3 > asked.value ->> 'nano_usd_max'`;
const insertHold = `
  insert into budget_holds (id, tenant_id, run_id, step_key, attempt, process_id, account_ids, tokens, nano_usd)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const deleteHold = 'delete from budget_holds where id = ? returning account_ids, tokens, nano_usd';
const change = `
  update budget_accounts
  set used_tokens = used_tokens + ?2, used_nano_usd = used_nano_usd + ?3,
    reserved_tokens = reserved_tokens + ?4, reserved_nano_usd = reserved_nano_usd + ?5
  where id in (select value from json_each(?1))`;
const selectStates = 'select * from budget_accounts where id in (select value from json_each(?))';
const selectAbandoned = `
  select holds.id, coalesce(total_tokens, 0) as tokens,
    case when steps.run_id is null then 0 else coalesce(round(cost_usd * 1e9), nano_usd) end as nanoUsd
  from budget_holds as holds
  left join steps on steps.run_id = holds.run_id and steps.key = holds.step_key and steps.attempt = holds.attempt
    and steps.kind = 'model_call' and steps.status = 'completed'
  where not exists (
    select 1 from processes where processes.id = holds.process_id and lease_expires_at_ms > ?
  )
  order by holds.id limit ?`;
const forget = `
  delete from budget_accounts where id in (
    select id from budget_accounts where ends_at_ms < ? and reserved_tokens = 0 and reserved_nano_usd = 0 limit ?
  )`;

type HoldRow = { account_ids: string; tokens: number; nano_usd: number };

const statesIn = (sql: Sql, ids: string): AccountState[] =>
  (sql(selectStates).all(ids) as AccountRow[]).map(toAccountState);

function settle({ sql }: Operation, holdId: string, { tokens, nanoUsd }: Spending): AccountState[] {
  const hold = sql(deleteHold).get(holdId) as HoldRow | undefined;
  if (hold === undefined) return [];
  sql(change).run(hold.account_ids, tokens, nanoUsd, -hold.tokens, -hold.nano_usd);
  return statesIn(sql, hold.account_ids);
}

/** Budgets on SQLite. */
export function createBudgetStore(database: Database, write: Operations): BudgetStore {
  return {
    ofTenant: (tenantId) =>
      database.read((sql) => {
        const row = sql(ofTenant).get(tenantId) as BudgetsRow | undefined;
        return row === undefined ? null : toBudgets(row);
      }),
    setTenant: (tenantId, budgets) =>
      write(({ sql, nowMs }) => {
        sql(setTenant).run(tenantId, nowMs, ...budgetValues(budgets));
      }),
    tenants: () =>
      database.read((sql) =>
        (sql(selectTenants).all() as (BudgetsRow & { id: string })[]).map((row) => ({
          tenantId: row.id,
          budgets: toBudgets(row),
        })),
      ),
    reserve: ({ id, tenantId, runId, stepKey, attempt, processId, spending: { tokens, nanoUsd } }, accounts) =>
      write(({ sql }) => {
        const asked = accountsText(accounts);
        const ids = JSON.stringify(accounts.map((account) => account.id));
        sql(openAccounts).run(asked, tenantId);
        const known = sql('select 1 from budget_holds where id = ?').get(id) !== undefined;
        const reserved = known || sql(beyondLimit).get(asked, tokens, nanoUsd) === undefined;
        if (reserved && !known) {
          sql(change).run(ids, 0, 0, tokens, nanoUsd);
          sql(insertHold).run(id, tenantId, runId, toExactText(stepKey), attempt, processId, ids, tokens, nanoUsd);
        }
        return { reserved, accounts: statesIn(sql, ids) };
      }),
    settle: (holdId, spending) => write((operation) => settle(operation, holdId, spending)),
    settleAbandoned: (limit) =>
      write((operation) => {
        const rows = operation.sql(selectAbandoned).all(operation.steadyMs, limit);
        for (const { id, tokens, nanoUsd } of rows as { id: string; tokens: number; nanoUsd: number }[]) {
          settle(operation, id, { tokens, nanoUsd: Math.round(nanoUsd) });
        }
        return rows.length;
      }),
    states: (accountIds) => database.read((sql) => statesIn(sql, JSON.stringify(accountIds))),
    forget: (endedBeforeMs, limit) => write(({ sql }) => Number(sql(forget).run(endedBeforeMs, limit).changes)),
  };
}
