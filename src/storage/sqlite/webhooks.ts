import { toPage } from '../page.ts';
import type {
  ClaimDeliveries,
  ClaimedDelivery,
  DeliveryFilter,
  DeliveryOutcome,
  Page,
  WebhookDelivery,
  WebhookStore,
} from '../port/index.ts';
import type { RunRow } from '../run-row.ts';
import {
  type ClaimedRow,
  type DeliveryRow,
  deliveryColumns,
  outcomeValues,
  toClaimed,
  toDelivery,
} from '../webhook-row.ts';
import type { Time } from './clocks.ts';
import type { Database, Sql } from './database.ts';
import type { Operation, Operations } from './operation.ts';
import { selectRun } from './run-statements.ts';

const columns = deliveryColumns.join(', ');

const selectDue = `
  select 1 from webhook_deliveries indexed by webhook_deliveries_due
  where status = 'pending' and next_attempt_at_ms <= ? limit 1`;
// One by one in the index, however many deliveries each tenant has.
const selectTenants = `
  with recursive tenants (id) as (
    select min(tenant_id) from webhook_deliveries where status = 'pending'
    union all
    select (select min(tenant_id) from webhook_deliveries where status = 'pending' and tenant_id > tenants.id)
    from tenants where tenants.id is not null
  )
  select id from tenants where id is not null`;
const selectDueOf = `
  select id, next_attempt_at_ms from webhook_deliveries indexed by webhook_deliveries_due_of_tenant
  where status = 'pending' and tenant_id = ? and next_attempt_at_ms <= ? order by next_attempt_at_ms limit ?`;
const claimOne = `
  update webhook_deliveries set attempts = attempts + 1, next_attempt_at_ms = ? where id = ?
  returning ${columns}, attempts_before, run_then`;
const recordOne = `
  update webhook_deliveries set status = ?5, last_status = ?6, last_error = ?7,
    next_attempt_at_ms = case when ?5 = 'pending' then ?9 + ?8 end,
    delivered_at_ms = case when ?5 = 'delivered' then ?9 end
  where tenant_id = ?1 and id = ?2 and status <> 'delivered'
    and (?5 = 'delivered' or attempts = ?3 and attempts - attempts_before = ?4 and status = 'pending')`;
const retryOne = `
  update webhook_deliveries
  set status = 'pending', attempts_before = attempts, next_attempt_at_ms = ?, delivered_at_ms = null
  where tenant_id = ? and id = ? returning ${columns}`;
const countOf = (status: string) => `select count(*) as n from webhook_deliveries where status = '${status}'`;

/** Deliveries to webhooks on SQLite. */
export function createWebhookStore(database: Database, write: Operations, time: Time): WebhookStore {
  return {
    async claim(options) {
      // A read first, so that a poll that finds nothing commits nothing.
      const isDue = await database.read((sql) => sql(selectDue).get(time.nowMs()) !== undefined);
      return isDue ? write((operation) => claim(operation, options)) : [];
    },
    record: (claimed, outcome) => write((operation) => record(operation, claimed, outcome)),
    list: (tenantId, filter, limit, before) => database.read((sql) => list(sql, tenantId, filter, limit, before)),
    retry: (tenantId, id) =>
      write(({ sql, nowMs }) => {
        const row = sql(retryOne).get(nowMs, tenantId, id) as DeliveryRow | undefined;
        return row === undefined ? null : toDelivery(row);
      }),
    count: () =>
      database.read((sql) => ({
        pending: Number(sql(countOf('pending')).get()?.n),
        dead: Number(sql(countOf('dead')).get()?.n),
      })),
  };
}

type DueRow = { id: string; next_attempt_at_ms: number };

function claim(operation: Operation, { limit, tenantMax, passOver, leaseMs }: ClaimDeliveries): ClaimedDelivery[] {
  const { sql, nowMs } = operation;
  const tenants = (sql(selectTenants).all() as { id: string }[]).filter(({ id }) => !passOver.includes(id));
  return tenants
    .flatMap(({ id }) => sql(selectDueOf).all(id, nowMs, tenantMax) as DueRow[])
    .toSorted((one, other) => one.next_attempt_at_ms - other.next_attempt_at_ms)
    .slice(0, limit)
    .map(({ id }) => {
      const delivery = sql(claimOne).get(nowMs + leaseMs, id) as ClaimedRow<number>['delivery'];
      return toClaimed({ delivery, run: sql(selectRun).get(delivery.run_id, delivery.tenant_id) as RunRow });
    });
}

function record({ sql, nowMs }: Operation, { delivery, round }: ClaimedDelivery, outcome: DeliveryOutcome): boolean {
  const { tenantId, id, attempts } = delivery;
  return sql(recordOne).run(tenantId, id, attempts, round, ...outcomeValues(outcome), nowMs).changes > 0;
}

/** There are few conditions, so every combination of them stays prepared. */
function list(
  sql: Sql,
  tenantId: string,
  { status, runId }: DeliveryFilter,
  limit: number,
  before: string | null,
): Page<WebhookDelivery, string> {
  const conditions = [
    ['tenant_id = ?', tenantId],
    ['status = ?', status],
    ['run_id = ?', runId],
    ['id < ?', before],
  ].filter((condition): condition is [string, string] => (condition[1] ?? null) !== null);
  const text = `select ${columns} from webhook_deliveries where ${conditions.map(([text]) => text).join(' and ')}
    order by id desc limit ?`;
  const rows = sql(text).all(...conditions.map(([, value]) => value), limit + 1) as DeliveryRow[];
  return toPage(rows, limit, toDelivery, ({ id }) => id);
}
