import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonRecord, SessionStore } from '../../storage/port/index.ts';
import { readHistory } from './session-history.ts';
import { truncateToTurns, turnStarts, withoutUnpairedItems } from './turn-truncation.ts';

const user = (content = 'Hi'): JsonRecord => ({ type: 'message', role: 'user', content });
const assistant = (text = 'Hello'): JsonRecord => ({ type: 'message', role: 'assistant', content: [{ text }] });
const reasoning = (): JsonRecord => ({ type: 'reasoning', content: [] });
const call = (callId: string): JsonRecord => ({ type: 'function_call', callId, name: 'tool', arguments: '{}' });
const result = (callId: string): JsonRecord => ({ type: 'function_call_result', callId, name: 'tool', output: 'x' });

const pairs = [
  ['function_call', 'function_call_result'],
  ['computer_call', 'computer_call_result'],
  ['shell_call', 'shell_call_output'],
  ['apply_patch_call', 'apply_patch_call_output'],
  ['program', 'program_output'],
] as const;

/** The call that an item makes or answers, by its type and id; null for what is neither. */
function callOf({ type, callId, name, providerData }: JsonRecord): { of: string; isCall: boolean } | null {
  const data = providerData as JsonRecord | undefined;
  if (name === 'mcp_approval_request') return { of: `mcp ${data?.id}`, isCall: true };
  if (name === 'mcp_approval_response') return { of: `mcp ${data?.approval_request_id}`, isCall: false };
  for (const [calls, results] of pairs) {
    if (type === calls) return { of: `${calls} ${callId}`, isCall: true };
    if (type === results) return { of: `${calls} ${callId}`, isCall: false };
  }
  return null;
}

/** Whether every call is followed by a result of its own, and every result stands after its call. */
function isPaired(items: readonly JsonRecord[]): boolean {
  const open = new Map<string, number>();
  for (const item of items) {
    const half = callOf(item);
    if (half === null) continue;
    const count = (open.get(half.of) ?? 0) + (half.isCall ? 1 : -1);
    if (count < 0) return false;
    open.set(half.of, count);
  }
  return [...open.values()].every((count) => count === 0);
}

const callIds = fc.constantFrom('call_0', 'call_1', 'call_2');
const anyItem: fc.Arbitrary<JsonRecord> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0).map(() => user()) },
  { weight: 2, arbitrary: fc.constant(0).map(() => assistant()) },
  { weight: 2, arbitrary: fc.constant(0).map(reasoning) },
  { weight: 1, arbitrary: fc.constant(0).map((): JsonRecord => ({ role: 'user', content: 'no type' })) },
  { weight: 1, arbitrary: fc.constant(0).map((): JsonRecord => ({ role: 'system', content: 'Be kind.' })) },
  { weight: 1, arbitrary: fc.constant(0).map((): JsonRecord => ({ type: 'compaction', encrypted_content: 'x' })) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...pairs.flat()), callIds)
      .map(([type, callId]): JsonRecord => ({ type, callId })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.boolean(), callIds).map(
      ([asks, id]): JsonRecord => ({
        type: 'hosted_tool_call',
        name: asks ? 'mcp_approval_request' : 'mcp_approval_response',
        providerData: asks ? { id } : { approval_request_id: id },
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(0).map((): JsonRecord => ({ type: 'hosted_tool_call', name: 'web_search_call' })),
  },
);
/** Any items in any order. */
const anyHistory = fc.array(anyItem, { maxLength: 40 });

/** A turn as runs store it: the user's message, reasoning and calls with their results, an answer. */
const anyTurn = fc
  .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 4 })
  .map((rounds) => [
    user(),
    ...rounds.flatMap(([thinks, width, parallel]) => {
      const ids = Array.from({ length: width }, (_, n) => `call_${n}`);
      const calls = parallel ? [...ids.map(call), ...ids.map(result)] : ids.flatMap((id) => [call(id), result(id)]);
      return [...(thinks ? [reasoning()] : []), ...calls];
    }),
    assistant(),
  ]);
const anyTurns = fc.array(anyTurn, { maxLength: 10 });
const anyMax = fc.integer({ min: 1, max: 30 });

/** The positions of the kept items in the history; fails if one is not part of it or they are not in order. */
function positions(history: readonly JsonRecord[], kept: readonly JsonRecord[]): number[] {
  const at = kept.map((item) => history.indexOf(item));
  expect(at.every((index, n) => index >= 0 && index > (at[n - 1] ?? -1))).toBe(true);
  return at;
}

describe('of any history, the last turns', () => {
  test('are items of it, in order, and start with a turn if any item before was left out', () => {
    fc.assert(
      fc.property(anyHistory, anyMax, (history, max) => {
        const kept = truncateToTurns(history, max);
        const [first] = positions(history, kept);
        if (history.length <= max || first === undefined) return;
        expect(turnStarts(kept)[0]).toBe(0);
      }),
    );
  });

  test('never hold a call without its result, or a result without its call', () => {
    fc.assert(
      fc.property(anyHistory, anyMax, (history, max) => {
        expect(isPaired(truncateToTurns(history, max))).toBe(true);
      }),
    );
  });

  test('have at most the maximum of items, unless the last turn alone has more', () => {
    fc.assert(
      fc.property(anyHistory, anyMax, (history, max) => {
        const kept = truncateToTurns(history, max);
        if (kept.length <= max) return;
        expect(turnStarts(kept)).toEqual([0]);
        expect(kept[0]).toBe(history[turnStarts(history).at(-1) as number]);
      }),
    );
  });

  test('are as many whole turns as fit, with all messages in them', () => {
    fc.assert(
      fc.property(anyHistory, anyMax, (history, max) => {
        const kept = new Set(truncateToTurns(history, max));
        const starts = turnStarts(history);
        const fitting = starts.find((index) => history.length - index <= max) ?? starts.at(-1);
        const from = history.length <= max ? 0 : fitting;
        const said = (item: JsonRecord) => item.role !== undefined || item.type === 'compaction';
        for (const [index, item] of history.entries()) {
          if (said(item)) expect(kept.has(item)).toBe(from !== undefined && index >= from);
        }
      }),
    );
  });

  test('do not change when they are truncated again', () => {
    fc.assert(
      fc.property(anyHistory, anyMax, (history, max) => {
        const once = truncateToTurns(history, max);
        expect(truncateToTurns(once, max)).toEqual(once);
      }),
    );
  });
});

describe('of a history that runs have stored, the last turns', () => {
  test('are complete: no item of them is left out', () => {
    fc.assert(
      fc.property(anyTurns, anyMax, (turns, max) => {
        const kept = truncateToTurns(turns.flat(), max);
        const fits = (count: number) => turns.slice(turns.length - count).flat().length <= max;
        let count = Math.min(1, turns.length);
        while (count < turns.length && fits(count + 1)) count += 1;
        expect(kept).toEqual(turns.slice(turns.length - count).flat());
      }),
    );
  });
});

describe('the history of a run', () => {
  /** A session in memory, and the number of items that were read from it. */
  function createSession(history: readonly JsonRecord[]) {
    let read = 0;
    const counted = <T>(rows: T[]): T[] => {
      read += rows.length;
      return rows;
    };
    const sessions: Pick<SessionStore, 'history' | 'items'> = {
      history: async (_tenantId, _sessionId, upto) => counted(history.slice(0, upto)),
      items: async (_tenantId, _sessionId, limit, after) => {
        const rows = history.slice(after, after + limit);
        const data = rows.map((item, n) => ({ seq: after + n + 1, runId: 'run_1', createdAtMs: 0, item }));
        return { data: counted(data), next: after + limit < history.length ? after + limit : null };
      },
    };
    return { sessions, read: () => read };
  }
  const runAt = (sessionSeqAtStart: number | null) => ({ tenantId: 't', sessionId: 's', sessionSeqAtStart });

  test('is the last turns of the session, however many items have to be read for that', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, anyHistory, anyMax, async (history, later, max) => {
        const { sessions } = createSession([...history, ...later]);
        const read = await readHistory(sessions, runAt(history.length), max);
        expect(read).toEqual(truncateToTurns(history, max));
      }),
    );
  });

  test('of a long session is read from its end only', async () => {
    const history = Array.from({ length: 10_000 }, () => [user(), assistant()]).flat();
    const { sessions, read } = createSession(history);
    expect(await readHistory(sessions, runAt(history.length), 11)).toHaveLength(10);
    expect(read()).toBe(12); // one more shows whether a system message belongs to the first turn
  });

  test('is read from further back if the last turn is longer than the maximum', async () => {
    const long = [user('the last'), ...Array.from({ length: 150 }, (_, n) => [call(`c${n}`), result(`c${n}`)]).flat()];
    const history = [...Array.from({ length: 1_000 }, () => [user(), assistant()]).flat(), ...long];
    const { sessions, read } = createSession(history);
    expect(await readHistory(sessions, runAt(history.length), 10)).toEqual(long);
    expect(read()).toBe(311);
  });

  test('is the whole session without a limit, and empty without a session or before its first item', async () => {
    const history = [call('c1'), user(), assistant()];
    const { sessions } = createSession(history);
    expect(await readHistory(sessions, runAt(3), null)).toEqual(history);
    for (const max of [null, 5]) {
      expect(await readHistory(sessions, runAt(0), max)).toEqual([]);
      expect(await readHistory(sessions, runAt(null), max)).toEqual([]);
      expect(await readHistory(sessions, { ...runAt(3), sessionId: null }, max)).toEqual([]);
    }
  });
});

test('reasoning is left out with the call that it led to', () => {
  expect(withoutUnpairedItems([user(), reasoning(), reasoning(), call('c1'), assistant()])).toEqual([
    user(),
    assistant(),
  ]);
  const whole = [user(), reasoning(), call('c1'), result('c1'), reasoning(), assistant()];
  expect(withoutUnpairedItems(whole)).toEqual(whole);
});

test('a system message belongs to the turn of the user that it stands before', async () => {
  const system: JsonRecord = { type: 'message', role: 'system', content: 'Be brief.' };
  const first = [system, user('one'), assistant()];
  const second = [system, user('two'), assistant()];
  expect(truncateToTurns([...first, ...second], 5)).toEqual(second);
  expect(truncateToTurns([...first, ...second], 2)).toEqual(second);
});

test('a call id that repeats in a later turn is another call', () => {
  const again = [user(), call('call_0'), result('call_0'), user(), call('call_0'), result('call_0')];
  expect(withoutUnpairedItems(again)).toEqual(again);
  expect(truncateToTurns(again, 3)).toEqual(again.slice(3));
});
