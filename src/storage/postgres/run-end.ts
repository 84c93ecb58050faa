import { giveWay } from '../../platform/slices.ts';
import { encoded } from '../not-storable.ts';
import { assertTotals } from '../number-columns.ts';
import type { FinalRun, Run } from '../port/index.ts';
import { toEndedRun } from '../run-row.ts';
import { longCharsMin, toJsonText, toNameText } from '../text.ts';
import { usageColumns, usageValues } from '../usage-row.ts';
import type { Database, Statement } from './database.ts';
import { createGroupedWrites, fittingLength } from './grouped-writes.ts';
import { entriesText } from './journal-rows.ts';
import type { PostgresSignals } from './signals.ts';

/** When a run ended, and whether another run waits for its session (see `awaited` in run-statements.ts). */
type RunEnding = { finishedAtMs: number; awaited: boolean };

type EndedRow = { n: number; finished_at_ms: number; awaited: boolean };

// The function is in migrations/002-operations.sql. It checks the fencing token, see `RunAttempt` in
// src/storage/port/fencing.ts.
const finishRuns: Statement = {
  name: 'finish_runs',
  text: `
    select asked.n, ended.finished_at_ms, next_in_line(ended.tenant_id, ended.session_id) is not null as awaited,
      case when coalesce(asked.annotations, asked.files, asked.session_context) is not null
        then set_run_extras(asked.id, asked.annotations, asked.files, asked.session_context) end as extras_set
    from json_to_recordset($1) as asked (
      n integer, tenant_id text, id text, attempt integer, status text, last_agent text, model text, response text,
      output text,
      ${usageColumns.map((column) => `${column} bigint`).join(', ')}, cost_usd double precision, error text,
      drift boolean, first_token_ms bigint, items text[], entries json,
      annotations text, files text, session_context text
    ) cross join lateral finish_run(
      asked.tenant_id, asked.id, asked.attempt, asked.status, asked.last_agent, asked.model, asked.response,
      asked.output, ${usageColumns.map((column) => `asked.${column}`).join(', ')}, asked.cost_usd, asked.error,
      asked.drift, asked.first_token_ms, asked.items, asked.entries
    ) as ended`,
};

type Ending = { id: string; text: string };

function textOf({ tenantId, id, attempt }: Run, final: FinalRun, items: readonly string[]): string {
  assertTotals(final);
  const values = usageValues(final.usage);
  const row = JSON.stringify({
    tenant_id: tenantId,
    id,
    attempt,
    status: final.status,
    last_agent: toNameText(final.lastAgent),
    model: toNameText(final.model),
    response: toJsonText(final.response),
    output: toJsonText(final.output),
    ...Object.fromEntries(usageColumns.map((column, index) => [column, values[index]])),
    cost_usd: final.costUsd,
    error: toJsonText(final.error),
    drift: final.drift,
    first_token_ms: final.firstTokenMs,
    annotations: toJsonText(final.annotations),
    files: toJsonText(final.files),
    session_context: toJsonText(final.sessionContext ?? null),
    items,
  });
  return `${row.slice(0, -1)},"entries":${entriesText(tenantId, id, final.entries)}}`;
}

const byId = (one: Ending, other: Ending) => (one.id < other.id ? -1 : 1);

/**
 * Ends runs in the database. Runs without a session share statements. Every other run has a statement of its own, so
 * that no transaction waits for the locks of two sessions at once.
 */
export function createEndQueue(database: Database) {
  async function write(endings: readonly Ending[]): Promise<(RunEnding | null)[]> {
    // In the order of ids, as every transaction that locks several runs, so that there is no deadlock.
    const sorted = endings.map((ending, n) => ({ ...ending, n })).toSorted(byId);
    const texts = sorted.map(({ n, text }) => `{"n":${n},${text.slice(1)}`);
    const rows = await database.query<EndedRow>(finishRuns, [`[${texts.join(',')}]`]);
    const ended = new Map(rows.map(({ n, finished_at_ms: finishedAtMs, awaited }) => [n, { finishedAtMs, awaited }]));
    return endings.map((_, n) => ended.get(n) ?? null);
  }

  const grouped = createGroupedWrites({
    write,
    charsOf: ({ text }: Ending) => text.length,
    lengthOf: (endings) => fittingLength(endings.map(({ text }) => text.length)),
  });

  return {
    /** Null if nothing was written. */
    async add(run: Run, final: FinalRun): Promise<RunEnding | null> {
      const items = encoded(() => final.newItems.map((item) => JSON.stringify(item)));
      const isLong = items.some(({ length }) => length >= longCharsMin);
      if (isLong) await giveWay();
      const ending = { id: run.id, text: encoded(() => textOf(run, final, items)) };
      if (isLong) await giveWay();
      if (run.sessionId === null) return grouped.add(ending);
      return (await write([ending]))[0] ?? null;
    },

    /** Resolves when no end is queued. */
    written: grouped.written,
  };
}

/** Publishes that a run has ended, and that its session may be claimed if another run waits for it. */
export function publishEnd(signals: PostgresSignals, runId: string, isSessionFreed: boolean): void {
  signals.publish({ type: 'events', runId });
  if (isSessionFreed) signals.publish({ type: 'claimable' });
}

/** See `RunStore.finish`. */
export async function finish(
  ends: ReturnType<typeof createEndQueue>,
  signals: PostgresSignals,
  run: Run,
  final: FinalRun,
): Promise<Run | null> {
  const ended = await ends.add(run, final);
  if (ended === null) return null;
  publishEnd(signals, run.id, ended.awaited);
  return toEndedRun(run, final, ended.finishedAtMs);
}
