import type { JsonRecord, Session, SessionItem } from './port/index.ts';
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

/** A row of `session_items`, without the columns that the query selects by. */
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

/** The item of a row. */
export function toItem(row: ItemRow): SessionItem {
  return {
    seq: row.seq,
    runId: row.run_id,
    createdAtMs: row.created_at_ms,
    item: JSON.parse(row.item) as JsonRecord,
  };
}
