import { isDeepStrictEqual } from 'node:util';
import { addUsage } from '../../../src/runs/execution/usage.ts';
import type { Session, SessionItem, Step } from '../../../src/storage/port/index.ts';
import { noUsage, toInputText } from '../../../src/storage/port/index.ts';
import { recordsOf, type Stored, type StoredRun } from './stored.ts';

type Item = { type?: string; role?: string; callId?: string; content?: unknown };

const itemOf = ({ item }: SessionItem): Item => item as Item;
const said = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : ((content as { text?: string }[]) ?? []).map(({ text = '' }) => text).join('');

/** Items are numbered from 1, and those of a run follow each other. */
function checkNumbers(items: SessionItem[]): string[] {
  const wrong = items.flatMap(({ seq }, index) =>
    seq === index + 1 ? [] : [`has item ${seq} where ${index + 1} belongs`],
  );
  const begun = new Set<string | null>();
  for (const [index, { runId, seq }] of items.entries()) {
    if (items[index - 1]?.runId === runId) continue;
    if (begun.has(runId)) wrong.push(`is interleaved: item ${seq} of run ${runId} stands after those of another run`);
    begun.add(runId);
  }
  return wrong;
}

/** Runs held the session one after the other, in order of arrival: each began with exactly what those before it left. */
function checkHolding(runs: StoredRun[], itemsOf: Map<string | null, SessionItem[]>): string[] {
  const wrong: string[] = [];
  let left = 0;
  for (const run of runs) {
    if (run.sessionSeqAtStart === null) continue; // it ended before its turn came
    const items = itemsOf.get(run.id) ?? [];
    if (run.sessionSeqAtStart !== left) {
      wrong.push(
        `is interleaved: run ${run.id} began with ${run.sessionSeqAtStart} items, and those before it left ${left}`,
      );
    }
    const first = items[0]?.seq;
    if (first !== undefined && first !== run.sessionSeqAtStart + 1) {
      wrong.push(
        `is interleaved: run ${run.id} began with ${run.sessionSeqAtStart} items, and its first is number ${first}`,
      );
    }
    left = run.sessionSeqAtStart + items.length;
  }
  return wrong;
}

/** What a completed run left: its message, each call with its result, its answer; and what its model was shown. */
function checkTurn(run: StoredRun, items: Item[], steps: Step[]): string[] {
  if (run.status !== 'completed') return [];
  const wrong: string[] = [];
  const [first, last] = [items[0], items.at(-1)];
  if (first?.role !== 'user' || said(first.content) !== toInputText(run.input))
    wrong.push(`has no message of run ${run.id}`);
  if (last?.role !== 'assistant' || said(last.content) !== run.response) wrong.push(`has no answer of run ${run.id}`);
  const idsOf = (type: string) => items.filter((item) => item.type === type).map(({ callId }) => callId);
  const called = steps.filter(({ kind, scope }) => kind === 'tool_call' && scope === '').map(({ callId }) => callId);
  for (const type of ['function_call', 'function_call_result']) {
    if (!isDeepStrictEqual(idsOf(type).sort(), [...called].sort()))
      wrong.push(`has not each ${type} of run ${run.id} once`);
  }
  const shown = steps.find(({ key }) => key === 'm::0')?.input;
  if (!Array.isArray(shown) || shown.length !== (run.sessionSeqAtStart ?? 0) + 1) {
    wrong.push(`showed another history to run ${run.id} than the ${run.sessionSeqAtStart} items before it`);
  }
  return wrong;
}

function checkCounters(session: Session, runs: StoredRun[], items: SessionItem[]): string[] {
  const wrong: string[] = [];
  if (session.activeRunId !== null) wrong.push(`is still held by run ${session.activeRunId}`);
  if (session.itemsCount !== items.length) wrong.push(`counts ${session.itemsCount} items and has ${items.length}`);
  if (session.runsCount !== runs.length) wrong.push(`counts ${session.runsCount} runs and has ${runs.length}`);
  const usage = runs
    .filter(({ finishedAtMs }) => finishedAtMs !== null)
    .reduce((sum, run) => addUsage(sum, run.usage), noUsage);
  if (!isDeepStrictEqual(usage, session.usage)) {
    wrong.push(`used ${JSON.stringify(session.usage)}, its runs ${JSON.stringify(usage)}`);
  }
  return wrong;
}

/** The sessions of a store without interrupted runs: not interleaved, not held, their counters true. */
export function checkSessions(stored: Stored): string[] {
  const keyOf = (tenantId: string, sessionId: string | null) => JSON.stringify([tenantId, sessionId]);
  const runsOf = Map.groupBy(stored.runs, (run) => keyOf(run.tenantId, run.sessionId));
  const itemsOf = Map.groupBy(stored.items, (item) => keyOf(item.tenantId, item.sessionId));
  const stepsOf = new Map(recordsOf(stored).map(({ run, steps }) => [run.id, steps]));
  const wrong = stored.sessions.flatMap((session) => {
    const key = keyOf(session.tenantId, session.id);
    const [runs, items] = [runsOf.get(key) ?? [], itemsOf.get(key) ?? []];
    const itemsByRun = Map.groupBy(items, ({ runId }) => runId);
    return [
      ...checkNumbers(items),
      ...checkHolding(runs, itemsByRun),
      ...runs.flatMap((run) => checkTurn(run, (itemsByRun.get(run.id) ?? []).map(itemOf), stepsOf.get(run.id) ?? [])),
      ...checkCounters(session, runs, items),
    ].map((what) => `session ${session.id} ${what}`);
  });
  const known = new Set(stored.sessions.map(({ tenantId, id }) => keyOf(tenantId, id)));
  for (const key of itemsOf.keys()) if (!known.has(key)) wrong.push(`session ${key} has items and is not there`);
  return wrong;
}
