import { toPage } from '../page.ts';
import type { Page, Run, RunFilter } from '../port/index.ts';
import { type RunRow, runColumns, toRun } from '../run-row.ts';
import type { Sql } from './database.ts';

/** The conditions of a filter in SQL; there are few, so each combination stays prepared. */
function conditionsOf(filter: RunFilter, before: string | null): [condition: string, value: string | number][] {
  const all: [string, string | number | null | undefined][] = [
    ['status = ?', filter.status],
    ['session_id = ?', filter.sessionId],
    ['agent = ?', filter.agent],
    ['created_at_ms >= ?', filter.sinceMs],
    ['created_at_ms < ?', filter.untilMs],
    ['id < ?', before],
  ];
  return all.filter((each): each is [string, string | number] => each[1] !== undefined && each[1] !== null);
}

/** A page of the runs that match a filter, newest first. */
export function listRuns(
  sql: Sql,
  tenantId: string,
  filter: RunFilter,
  limit: number,
  before: string | null,
): Page<Run, string> {
  const conditions = conditionsOf(filter, before);
  const where = ['tenant_id = ?', ...conditions.map(([condition]) => condition)].join(' and ');
  const text = `select ${runColumns.join(', ')} from runs where ${where} order by id desc limit ?`;
  const rows = sql(text).all(tenantId, ...conditions.map(([, value]) => value), limit + 1) as RunRow[];
  return toPage(rows, limit, toRun, ({ id }) => id);
}
