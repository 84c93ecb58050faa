import type { JsonRecord, Session, SessionContext, SessionItem } from './port/index.ts';
import { fromJsonText } from './text.ts';
import { toUsage, type UsageRow, usageColumns } from './usage-row.ts';

/** A row of `sessions`. */
export type SessionRow = UsageRow & {
  tenant_id: string;
  id: string;
  created_at_ms: number;
  updated_at_ms: number;
  next_seq: number;
  runs_count: number;
  last_agent: string | null;
  active_run_id: string | null;
  cost_usd: number | null;
};

/** A row of `session_items`, without the columns that the query selects by; `run_id` is '' for an imported item. */
export type ItemRow = { seq: number; run_id: string; created_at_ms: number; item: string };

/** Every column of `SessionRow`. */
export const sessionColumns = [
  'tenant_id',
  'id',
  'created_at_ms',
  'updated_at_ms',
  'next_seq',
  'runs_count',
  'last_agent',
  'active_run_id',
  'cost_usd',
  ...usageColumns,
] as const satisfies (keyof SessionRow)[];

/** The session of a row. */
export function toSession(row: SessionRow): Session {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    itemsCount: row.next_seq - 1,
    runsCount: row.runs_count,
    lastAgent: row.last_agent,
    activeRunId: row.active_run_id,
    usage: toUsage(row),
    costUsd: row.cost_usd,
  };
}

/** A row of what the runs of a session left. */
export type SessionContextRow = { context: string | null; context_run_id: string | null; last_run_id: string | null };

/** The columns of `SessionContextRow`, of the table `sessions`. */
export const sessionContextColumns = `
  context, context_run_id, (
    select runs.id from runs
    where runs.tenant_id = sessions.tenant_id and runs.session_id = sessions.id
      and runs.finished_at_ms is not null and runs.attempt > 0
    order by runs.finished_at_ms desc, runs.arrival desc limit 1
  ) as last_run_id`;

/** What the runs of a session left, of a row. */
export const toSessionContext = (row: SessionContextRow): SessionContext => ({
  context: fromJsonText<JsonRecord>(row.context),
  ofRunId: row.context_run_id,
  lastRunId: row.last_run_id,
});

/** The item of a row. */
export function toItem(row: ItemRow): SessionItem {
  return {
    seq: row.seq,
    runId: row.run_id === '' ? null : row.run_id,
    createdAtMs: row.created_at_ms,
    item: JSON.parse(row.item) as JsonRecord,
  };
}

/** The size of an item, in bytes of JSON. */
export type SizeRow = { bytes: number };

/** How many of these items, at most `limit`, make a page of at most `bytesMax`; one in any case. */
export function fittingItems(sizes: readonly SizeRow[], limit: number, bytesMax: number): number {
  let total = 0;
  const tooMany = sizes.findIndex(({ bytes }, index) => {
    total += bytes;
    return index > 0 && total > bytesMax;
  });
  return tooMany === -1 ? limit : Math.min(limit, tooMany);
}
