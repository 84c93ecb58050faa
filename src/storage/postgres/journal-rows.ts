import { assertNumbers } from '../number-columns.ts';
import type { JournalEntries, StoredEvent } from '../port/index.ts';
import { toStepRow } from '../step-row.ts';
import type { Append } from './append-queue.ts';

// Rows go to the database as JSON text, which `json_populate_recordset` reads with the names of the columns: for a row
// of thirty columns that takes less of this process than arrays of columns, and a whole batch is one parameter.

/** The rows of entries as JSON text. Of a step that is given twice the later one counts; an event may be given once. */
export function toAppend(tenantId: string, runId: string, attempt: number, entries: JournalEntries): Append {
  const steps = new Map(entries.steps.map((step) => [step.step, JSON.stringify(toStepRow(tenantId, runId, step))]));
  const events = new Map(entries.events.map((event) => [event.seq, eventText(tenantId, runId, event)]));
  if (events.size < entries.events.length) throw new Error(`two events of run ${runId} have the same number`);
  let chars = runId.length + tenantId.length;
  for (const text of [...steps.values(), ...events.values()]) chars += text.length;
  return { tenantId, runId, attempt, steps, events, chars };
}

const eventText = (tenantId: string, runId: string, { seq, type, attempt, atMs, data }: StoredEvent): string =>
  JSON.stringify(
    assertNumbers('events', {
      run_id: runId,
      seq,
      tenant_id: tenantId,
      type,
      attempt,
      at_ms: atMs,
      data: JSON.stringify(data),
    }),
  );

/** The entries of an operation that checks the fencing token itself; only those of an append carry the attempt. */
export const entriesText = (tenantId: string, runId: string, entries: JournalEntries): string =>
  toEntriesText([toAppend(tenantId, runId, 0, entries)]);

/** The `p_entries` of SQL functions. Of a step in two appends the later one counts. */
export function toEntriesText(appends: readonly Append[]): string {
  const runs = new Map<string, string>();
  const steps = new Map<string, string>();
  const events: string[] = [];
  for (const append of appends) {
    const { tenantId, runId, attempt } = append;
    runs.set(runId, JSON.stringify({ id: runId, tenant_id: tenantId, attempt }));
    for (const [step, text] of append.steps) steps.set(`${step} ${runId}`, text);
    events.push(...append.events.values());
  }
  const list = (texts: Iterable<string>) => [...texts].join(',');
  return `{"runs":[${list(runs.values())}],"steps":[${list(steps.values())}],"events":[${list(events)}]}`;
}
