import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { newRun } from '../contract/fixture.contract.ts';
import type { RunFilter } from '../port/index.ts';
import { newRunRow, runColumns } from '../run-row.ts';
import { migrate, readMigrations } from './migrate.ts';
import { listRuns } from './run-list.ts';

function openEmpty(): DatabaseSync {
  const connection = new DatabaseSync(':memory:');
  migrate(connection, readMigrations(), () => 1);
  return connection;
}

/** How the database would answer a list. */
function plansOf(filter: RunFilter, before: string | null): string[] {
  using connection = openEmpty();
  const plans: string[] = [];
  const cursorRow = { created_at_ms: 1 };
  listRuns(
    (text) => {
      const statement = connection.prepare(`explain query plan ${text}`);
      const all = (...values: string[]) => {
        plans.push(...statement.all(...values).map(({ detail }) => String(detail)));
        return [];
      };
      return { all, get: () => cursorRow } as unknown as StatementSync;
    },
    'tenant-a',
    filter,
    10,
    before,
  );
  return plans;
}

const conditions: RunFilter = { status: 'failed', sessionId: 's-1', agent: 'triage', sinceMs: 1, untilMs: 2 };
const names = Object.keys(conditions) as (keyof RunFilter)[];
const filters = Array.from({ length: 2 ** names.length }, (_, bits) =>
  Object.fromEntries(names.filter((_name, n) => bits & (1 << n)).map((name) => [name, conditions[name]])),
) as RunFilter[];

describe('a page of a list of runs', () => {
  test('is read from one index, in order, whatever the filter', () => {
    for (const filter of filters) {
      for (const before of [null, 'run_1']) {
        const [plan, ...more] = plansOf(filter, before);
        expect(plan).toMatch(/^SEARCH runs USING INDEX runs_by_\w+ \(tenant_id=\?/);
        expect(more).toEqual([]); // no sorting
      }
    }
  });

  test('begins at the upper and ends at the lower bound of what was asked for', () => {
    expect(plansOf({ sinceMs: 1, untilMs: 2 }, null)).toEqual([
      'SEARCH runs USING INDEX runs_by_time (tenant_id=? AND created_at_ms>? AND created_at_ms<?)',
    ]);
    expect(plansOf({ sinceMs: 1, untilMs: 2, status: 'failed' }, 'run_1')).toEqual([
      'SEARCH runs USING INDEX runs_by_status (tenant_id=? AND status=? AND created_at_ms>? AND (created_at_ms,id)<(?,?))',
    ]);
  });

  test('is read by the most selective index: the session, then a rare status, then the agent', () => {
    const indexOf = (filter: RunFilter) => /INDEX (\w+)/.exec(plansOf(filter, null)[0] ?? '')?.[1];
    expect(indexOf({ sessionId: 's-1', status: 'failed', agent: 'triage' })).toBe('runs_by_session');
    expect(indexOf({ status: 'failed', agent: 'triage' })).toBe('runs_by_status');
    expect(indexOf({ status: 'completed', agent: 'triage' })).toBe('runs_by_agent');
    expect(indexOf({ status: 'completed' })).toBe('runs_by_status');
  });

  test('continues after its last run even if that was removed meanwhile', () => {
    using connection = openEmpty();
    const insert = connection.prepare(
      `insert into runs (${runColumns.join(', ')}) values (${runColumns.map(() => '?').join(', ')})`,
    );
    for (const [nowMs, id] of ['run_a', 'run_b', 'run_c'].entries()) {
      const row = newRunRow(newRun({ id, tenantId: 'tenant-a' }), { status: 'queued', sessionSeq: null, nowMs });
      insert.run(...runColumns.map((column) => row[column]));
    }
    const idsBefore = (before: string) =>
      listRuns((text) => connection.prepare(text), 'tenant-a', {}, 10, before).data.map(({ id }) => id);
    expect(idsBefore('run_c')).toEqual(['run_b', 'run_a']);
    connection.exec("delete from runs where id = 'run_c'");
    expect(idsBefore('run_c')).toEqual(['run_b', 'run_a']);
  });
});
