import type { JournalEntries, JournalStore, Run, StoredEvent } from '../../storage/port/index.ts';
import type { RunEventBody } from '../events/events.ts';
import type { AgentAnswer } from './side-text.ts';

type ToolStarted = Extract<RunEventBody, { type: 'tool.started' }>;

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

/** Which steps have completed, by their numbers. */
const completedIn = ({ steps }: JournalEntries): ReadonlySet<number> =>
  new Set(steps.filter(({ status }) => status === 'completed').map(({ step }) => step));

/** The latest of these events for each key, less the keys of those that end it. */
function openIn(entries: JournalEntries, [begin, end]: [begin: string, end: string], key: string): StoredEvent[] {
  const completed = completedIn(entries);
  const open = new Map<unknown, StoredEvent>();
  for (const event of entries.events) {
    if (event.type === begin) open.set(event.data[key], event);
    if (event.type === end) open.delete(event.data[key]);
  }
  return [...open.values()].filter(({ data }) => !completed.has(data.step as number));
}

/** A call of a hosted tool that has begun. */
export type HostedCallStart = { step: number; callId: string; tool: string; arguments: unknown; startedAtMs: number };

/** Calls of hosted tools that have begun in a model call that was not recorded. */
export const openHostedCalls = (entries: JournalEntries): HostedCallStart[] =>
  openIn(entries, ['tool.started', 'tool.completed'], 'call_id').flatMap(({ data, atMs }) => {
    const { step, call_id, tool, arguments: given, hosted } = data as unknown as ToolStarted;
    return hosted ? [{ step, callId: call_id, tool, arguments: given, startedAtMs: atMs }] : [];
  });

/** Text of agents used as tools that was shown in part: their model call was not recorded. */
export const partialAgentTexts = (entries: JournalEntries): AgentAnswer[] =>
  openIn(entries, ['agent.text.delta', 'agent.text.reset'], 'step').map(({ data }) => {
    const { step, scope, agent } = data as unknown as AgentAnswer;
    return { step, scope, agent };
  });

/** Steps whose text or reasoning was shown in part: their model call was not recorded, and is repeated. */
export function stepsWithPartialText(entries: JournalEntries): number[] {
  const completed = completedIn(entries);
  const shown = new Set<number>();
  for (const { type, data } of entries.events) {
    if (type === 'text.delta' || type === 'reasoning.delta' || type === 'reasoning.completed')
      shown.add(data.step as number);
    if (type === 'text.reset') shown.delete(data.step as number);
  }
  return [...shown].filter((step) => !completed.has(step));
}
