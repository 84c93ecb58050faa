import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { claimAll } from '../contract/fixture.contract.ts';
import { claim } from './claims.ts';
import type { Sql } from './database.ts';
import { migrate, readMigrations } from './migrate.ts';
import { recoverOrphans } from './recovery.ts';

/** How the database would answer each query of an operation. */
function plansOf(act: (sql: Sql) => unknown): string[][] {
  using connection = new DatabaseSync(':memory:');
  migrate(connection, readMigrations(), () => 1);
  const plans: string[][] = [];
  act((text) => {
    const statement = connection.prepare(`explain query plan ${text}`);
    const all = (...values: number[]) => {
      plans.push(statement.all(...values).map(({ detail }) => String(detail)));
      return [];
    };
    return { all } as unknown as StatementSync;
  });
  return plans;
}

const operation = { nowMs: 1, steadyMs: 1, publish: () => {} };
const nextInQueue = [
  'CORRELATED SCALAR SUBQUERY 2',
  'SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (tenant_id=? AND id=?)',
  'CORRELATED SCALAR SUBQUERY 1',
];

describe('a claim', () => {
  const plans = plansOf((sql) => claim({ ...operation, sql }, 'proc_1', { ...claimAll, limit: 10, backgroundMax: 10 }));
  const tenantsPlan = plans[3] ?? [];

  test('reads each kind of run from the index of its kind, in order', () => {
    expect(plans.map(([first]) => first)).toEqual([
      'SCAN runs USING INDEX runs_claimable',
      'SCAN runs USING INDEX runs_claimable_crashed',
      'SCAN claim_turn',
      'CO-ROUTINE tenants',
      'CO-ROUTINE (subquery-3)',
      'SCAN runs USING COVERING INDEX runs_background_running',
    ]);
  });

  test('finds each tenant by one search of an index, and never reads its queued runs', () => {
    expect(tenantsPlan.filter((line) => / runs /.test(line))).toEqual(
      Array(2).fill('SEARCH runs USING INDEX runs_claimable_of_tenant (tenant_id>?)'),
    );
  });

  test('asks of a run in a session two indexes whether it is the next one', () => {
    for (const plan of plans.slice(0, 2)) expect(plan).toEqual(expect.arrayContaining(nextInQueue));
    for (const plan of [plans[0], plans[1], plans[4]]) {
      expect(plan?.filter((line) => /runs_waiting \(tenant_id=\? AND session_id=\?/.test(line))).toHaveLength(1);
    }
  });
});

test('orphans are searched among running runs alone', () => {
  const [plan] = plansOf((sql) =>
    recoverOrphans({ ...operation, sql }, { code: 'c', detail: 'd', retryable: false }, 1),
  );
  expect(plan?.[0]).toBe('SCAN runs USING INDEX runs_owned');
});
