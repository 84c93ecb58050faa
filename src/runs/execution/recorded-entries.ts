import type { JournalEntries, JournalStore, Run, StoredEvent } from '../../storage/port/index.ts';

/** Events read from the store at once. */
const pageSize = 200;

/** Reads what earlier attempts at a run recorded. */
export async function readRecorded(store: JournalStore, { tenantId, id }: Run): Promise<JournalEntries> {
  const steps = await store.steps(tenantId, id);
  const events: StoredEvent[] = [];
  for (let page = events; ; ) {
    page = await store.events(tenantId, id, events.at(-1)?.seq ?? 1, pageSize);
    events.push(...page);
    if (page.length < pageSize) return { steps, events };
  }
}

/** Why a run is executed again. */
export function resumedAfter(run: Run, { events }: JournalEntries): 'recovery' | 'decision' | 'handback' {
  if (events.at(-1)?.type === 'run.requires_action') return 'decision';
  const recoveries = events.filter(({ type, data }) => type === 'run.resumed' && data.after === 'recovery').length;
  return run.crashes > recoveries ? 'recovery' : 'handback';
}

/** Steps whose text was shown in part: their model call was not recorded, and is repeated. */
export function stepsWithPartialText({ steps, events }: JournalEntries): number[] {
  const completed = new Set(steps.filter(({ status }) => status === 'completed').map(({ step }) => step));
  const shown = new Set<number>();
  for (const { type, data } of events) {
    if (type === 'text.delta') shown.add(data.step as number);
    if (type === 'text.reset') shown.delete(data.step as number);
  }
  return [...shown].filter((step) => !completed.has(step));
}
