import { toPage } from '../page.ts';
import type { Page, Run, RunFilter } from '../port/index.ts';
import { type RunRow, runColumns, toRun } from '../run-row.ts';
import type { Database, Statement } from './database.ts';

const selectTime: Statement = {
  name: 'select_run_time',
  text: 'select created_at_ms from runs where id = $1 and tenant_id = $2',
};

/**
 * A page of the runs that match a filter, by creation and then by id, newest first. Every index ends in these two, so
 * that a page costs what it shows. The statement is not prepared, so that it is planned for its values.
 */
export async function listRuns(
  database: Database,
  tenantId: string,
  filter: RunFilter,
  limit: number,
  before: string | null,
): Promise<Page<Run, string>> {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value !== undefined) conditions.push(`${condition} $${values.push(value)}`);
  };
  add('tenant_id =', tenantId);
  add('status =', filter.status);
  add('session_id =', filter.sessionId);
  add('agent =', filter.agent);
  add('created_at_ms >=', filter.sinceMs);
  // A page that goes on starts at its cursor, not at the upper bound: as a sum it does not reach the index.
  add(before === null ? 'created_at_ms <' : 'created_at_ms + 0 <', filter.untilMs);
  if (before !== null) conditions.push(await olderThan(database, tenantId, before, values));
  const rows = await database.query<RunRow<boolean>>(
    {
      text: `select ${runColumns.join(', ')} from runs where ${conditions.join(' and ')}
        order by created_at_ms desc, id desc limit $${values.push(limit + 1)}`,
    },
    values,
  );
  return toPage(rows, limit, toRun, ({ id }) => id);
}

/** The condition for runs after the run `before`. If that was removed, its id decides, which rises with time. */
async function olderThan(database: Database, tenantId: string, before: string, values: unknown[]): Promise<string> {
  const [run] = await database.query<{ created_at_ms: number }>(selectTime, [before, tenantId]);
  if (run === undefined) return `id < $${values.push(before)}`;
  return `(created_at_ms, id) < ($${values.push(run.created_at_ms)}, $${values.push(before)})`;
}
