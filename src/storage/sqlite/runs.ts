import type { RunStore } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import { decide, expireAction, pause } from './approvals.ts';
import { ownedRuns, requestCancel } from './cancellation.ts';
import { claim } from './claims.ts';
import type { Database, Sql } from './database.ts';
import { isKeyUsed } from './idempotency.ts';
import { readInputData } from './input-data.ts';
import type { Operations } from './operation.ts';
import { handBack, recoverOrphans } from './recovery.ts';
import { create } from './run-creation.ts';
import { finish } from './run-end.ts';
import { listRuns } from './run-list.ts';
import { selectRun } from './run-statements.ts';

/** Runs on SQLite. */
export function createRunStore(database: Database, write: Operations): RunStore {
  return {
    create: (run, ifBusy, startNow, begun) =>
      write((operation) => create(operation, run, ifBusy, startNow), {
        committed: begun && ((outcome) => outcome.type === 'started' && begun(outcome.run)),
        urgent: startNow && run.mode === 'stream', // a client waits for its first event
      }),
    claim: (ownerId, options) => write((operation) => claim(operation, ownerId, options)),
    handBack: (tenantId, runId, attempt, entries, wakeInMs) =>
      write((operation) => handBack(operation, { tenantId, runId, attempt }, entries, wakeInMs)),
    recoverOrphans: (poison, limit) => write((operation) => recoverOrphans(operation, poison, limit)),
    requestCancel: (tenantId, runId, error) => write((operation) => requestCancel(operation, tenantId, runId, error)),
    owned: (ownerId) => database.read((sql) => ownedRuns(sql, ownerId)),
    pause: (tenantId, runId, attempt, paused) =>
      write((operation) => pause(operation, { tenantId, runId, attempt }, paused)),
    decide: (tenantId, runId, decided) => write((operation) => decide(operation, tenantId, runId, decided)),
    expireAction: (error) => write((operation) => expireAction(operation, error)),
    finish: (run, final) => write((operation) => finish(operation, run, final)),
    isKeyUsed: (tenantId, key) => database.read((sql) => isKeyUsed(sql, tenantId, key)),
    get: (tenantId, runId) =>
      database.read((sql) => {
        const row = sql(selectRun).get(runId, tenantId) as RunRow | undefined;
        return row === undefined ? null : toRun(row);
      }),
    inputData: (tenantId, runId) => database.read((sql) => readInputData(sql, tenantId, runId)),
    list: (tenantId, filter, limit, before) => database.read((sql) => listRuns(sql, tenantId, filter, limit, before)),
    countUnfinished: () =>
      database.read((sql) => ({
        queued: count(sql, 'runs_waiting', 'queued'),
        running: count(sql, 'runs_owned', 'running'),
        requires_action: count(sql, 'runs_paused', 'requires_action'),
      })),
    countUnclaimed: () => database.read(() => 0),
  };
}

/** Counts an index that holds the runs of one status and nothing else. */
function count(sql: Sql, index: string, status: string): number {
  return Number(sql(`select count(*) as n from runs indexed by ${index} where status = '${status}'`).get()?.n);
}
