import { toPage } from '../page.ts';
import type { Page, Run, RunFilter } from '../port/index.ts';
import { type RunRow, runColumns, toRun } from '../run-row.ts';
import type { Sql } from './database.ts';

type Condition = [text: string, ...values: (string | number)[]];

/**
 * A page of the runs that match a filter, by creation and then by id, newest first. Every index ends in these two, so
 * that a page costs what it shows: the database neither sorts nor reads runs outside the page.
 */
export function listRuns(
  sql: Sql,
  tenantId: string,
  filter: RunFilter,
  limit: number,
  before: string | null,
): Page<Run, string> {
  const conditions: Condition[] = [
    ['tenant_id = ?', tenantId],
    ...conditionsOf(filter, before !== null),
    ...(before === null ? [] : [olderThan(sql, tenantId, before)]),
  ];
  // There are few conditions, so every combination of them stays prepared.
  const text = `
    select ${runColumns.join(', ')} from runs indexed by ${indexFor(filter)}
    where ${conditions.map(([condition]) => condition).join(' and ')}
    order by created_at_ms desc, id desc limit ?`;
  const rows = sql(text).all(...conditions.flatMap(([, ...values]) => values), limit + 1) as RunRow[];
  return toPage(rows, limit, toRun, ({ id }) => id);
}

/** The index is named, since a database without statistics may take any. Most runs of a tenant are completed. */
function indexFor({ sessionId, status, agent }: RunFilter): string {
  if (sessionId !== undefined) return 'runs_by_session';
  if (status !== undefined && (status !== 'completed' || agent === undefined)) return 'runs_by_status';
  return agent !== undefined ? 'runs_by_agent' : 'runs_by_time';
}

function conditionsOf(filter: RunFilter, isContinued: boolean): Condition[] {
  const all: [text: string, value: string | number | undefined][] = [
    ['status = ?', filter.status],
    ['session_id = ?', filter.sessionId],
    ['agent = ?', filter.agent],
    ['created_at_ms >= ?', filter.sinceMs],
    // A page that goes on starts at its cursor, not at the upper bound: `+` keeps the latter away from the index.
    [`${isContinued ? '+' : ''}created_at_ms < ?`, filter.untilMs],
  ];
  return all.flatMap(([text, value]): Condition[] => (value === undefined ? [] : [[text, value]]));
}

/** The condition for runs after the run `before`. If that was removed, its id decides, which rises with time. */
function olderThan(sql: Sql, tenantId: string, before: string): Condition {
  const row = sql('select created_at_ms from runs where id = ? and tenant_id = ?').get(before, tenantId);
  return row === undefined ? ['id < ?', before] : ['(created_at_ms, id) < (?, ?)', Number(row.created_at_ms), before];
}
