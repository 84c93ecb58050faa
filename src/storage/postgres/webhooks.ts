import { toPage } from '../page.ts';
import type { DeliveryFilter, Page, WebhookDelivery, WebhookStore } from '../port/index.ts';
import {
  type ClaimedRow,
  type DeliveryRow,
  deliveryColumns,
  outcomeValues,
  toClaimed,
  toDelivery,
} from '../webhook-row.ts';
import type { Database, Statement } from './database.ts';

const columns = deliveryColumns.join(', ');

// The function is in migrations/010-webhooks.sql.
const claim: Statement = {
  name: 'claim_webhooks',
  text: `select to_json(claimed) as delivery, to_json(runs) as run
    from claim_webhooks($1, $2, $3, $4) as claimed join runs on runs.id = claimed.run_id`,
};
const record: Statement = {
  name: 'record_webhook',
  text: `update webhook_deliveries set
      status = $5, last_status = $6, last_error = $7,
      next_attempt_at_ms = case when $5 = 'pending' then now_ms() + $8 end,
      delivered_at_ms = case when $5 = 'delivered' then now_ms() end
    where tenant_id = $1 and id = $2 and status <> 'delivered'
      and ($5 = 'delivered' or attempts = $3 and attempts - attempts_before = $4 and status = 'pending')
    returning id`,
};
const retry: Statement = {
  name: 'retry_webhook',
  text: `update webhook_deliveries set
      status = 'pending', attempts_before = attempts, next_attempt_at_ms = now_ms(), delivered_at_ms = null
    where tenant_id = $1 and id = $2 returning ${columns}`,
};
const count: Statement = {
  name: 'count_webhooks',
  text: `select
    (select count(*) from webhook_deliveries where status = 'pending') as pending,
    (select count(*) from webhook_deliveries where status = 'dead') as dead`,
};

/** Deliveries to webhooks on Postgres. */
export function createWebhookStore(database: Database): WebhookStore {
  return {
    async claim({ limit, tenantMax, passOver, leaseMs }) {
      const rows = await database.query<ClaimedRow<boolean>>(claim, [limit, tenantMax, passOver, leaseMs]);
      return rows.map(toClaimed);
    },
    async record({ delivery, round }, outcome) {
      const { tenantId, id, attempts } = delivery;
      return (await database.query(record, [tenantId, id, attempts, round, ...outcomeValues(outcome)])).length > 0;
    },
    list: (tenantId, filter, limit, before) => list(database, tenantId, filter, limit, before),
    async retry(tenantId, id) {
      const [row] = await database.query<DeliveryRow>(retry, [tenantId, id]);
      return row === undefined ? null : toDelivery(row);
    },
    async count() {
      const [counted] = await database.query<Record<'pending' | 'dead', number>>(count);
      if (counted === undefined) throw new Error('counting returned no row');
      return counted;
    },
  };
}

/** Not prepared, so that it is planned for its values. */
async function list(
  database: Database,
  tenantId: string,
  { status, runId }: DeliveryFilter,
  limit: number,
  before: string | null,
): Promise<Page<WebhookDelivery, string>> {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (condition: string, value: string | null | undefined) => {
    if (value !== undefined && value !== null) conditions.push(`${condition} $${values.push(value)}`);
  };
  add('tenant_id =', tenantId);
  add('status =', status);
  add('run_id =', runId);
  add('id <', before);
  const text = `select ${columns} from webhook_deliveries where ${conditions.join(' and ')}
    order by id desc limit $${values.push(limit + 1)}`;
  return toPage(await database.query<DeliveryRow>({ text }, values), limit, toDelivery, ({ id }) => id);
}
