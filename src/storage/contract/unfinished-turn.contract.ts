import { describe, expect, test } from 'vitest';
import {
  type Json,
  type Run,
  type Step,
  type Store,
  toolOutputKey,
  toolOutputTextMax,
  unfinishedTurnItems,
} from '../port/index.ts';
import {
  cancelled,
  claimAll,
  handBack,
  interrupt,
  newStep,
  noUsage,
  type OpenStore,
  pause,
  poison,
  start,
  tenant,
} from './fixture.contract.ts';

const call = (step: number, overrides: Partial<Step> = {}): Step =>
  newStep(step, {
    kind: 'tool_call',
    key: `t:call_${step}`,
    name: 'charge',
    callId: `call_${step}`,
    effect: 'idempotent',
    input: { cents: 250, note: 'a "quoted" \\ back\u0000slash \u2028 é' },
    output: { ok: true, ids: [1, 2] },
    usage: null,
    costUsd: null,
    ...overrides,
  });

const journal: Step[] = [
  newStep(1),
  call(2),
  call(3, { effect: 'read' }),
  call(4, { status: 'failed', isError: true }),
  call(5, { input: '{"broken', output: 'said "no"\u0000\ud800' }),
  call(6, { scope: '/helper.Zm9v.0', key: 't:helper.Zm9v.0/call_6' }),
  call(7, { status: 'started', output: null }),
  newStep(8, { usage: { ...noUsage, requests: 1, inputTokens: 7, totalTokens: 8 }, costUsd: 0.5 }),
];

/** A call that began others, by a run of its own, and whose result tells of them. */
const nested: Step[] = [
  call(12, { name: 'ask_helper', effect: null, key: 't:call_12' }),
  call(9),
  call(10, { scope: '/call_9/inner.YmFy.0', key: 't:call_9/inner.YmFy.0/call_10' }),
  call(11, { scope: '/call_90/inner.YmFy.0', key: 't:call_90/inner.YmFy.0/call_11' }),
];

/** Results that are recorded with a text in their place. */
const described: Step[] = [
  call(13, { output: { [toolOutputKey]: 'a "picture" \\ \u0000\ud800', value: { [toolOutputKey]: 'of another' } } }),
  call(14, { output: { [toolOutputKey]: '\u0000'.repeat(toolOutputTextMax), value: null } }),
  call(15, { output: { value: 1, [toolOutputKey]: 7 } }),
];

const message = 'Where is "my" order?\u0000\ud800 \\ é';

/** The ways in which the store ends a run that has begun and that no process executes. */
const ways: { way: string; code: string; end: (store: Store, run: Run) => Promise<unknown> }[] = [
  {
    way: 'cancelled while it waits for a person',
    code: cancelled.code,
    end: async (store, run) => {
      await pause(store, run);
      await store.runs.requestCancel(tenant, run.id, cancelled);
    },
  },
  {
    way: 'cancelled while it is queued again',
    code: cancelled.code,
    end: async (store, run) => {
      await handBack(store, run);
      await store.runs.requestCancel(tenant, run.id, cancelled);
    },
  },
  {
    way: 'cancelled while it was running in a process that died',
    code: cancelled.code,
    end: async (store, run) => {
      await store.runs.requestCancel(tenant, run.id, cancelled);
      await store.runs.recoverOrphans(poison, 10);
    },
  },
  {
    way: 'interrupted while it waits for a person',
    code: cancelled.code,
    end: async (store, run) => {
      await pause(store, run);
      await interrupt(store);
    },
  },
  {
    way: 'taken for the death of three processes',
    code: poison.code,
    end: async (store, run) => {
      for (let n = 0; n < 4; n += 1) {
        await store.runs.recoverOrphans(poison, 10);
        await store.runs.claim(run.ownerId ?? '', { ...claimAll, limit: 1 });
      }
    },
  },
];

/** What the store promises of runs that it ends itself. */
export function describeUnfinishedTurn(open: OpenStore): void {
  describe('a run that was', () => {
    test.each(ways)('$way adds what its tools did to its session', async ({ code, end }) => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input: { text: message } });
      await store.journal.append(tenant, run.id, 1, { steps: [...journal, ...nested, ...described], events: [] });
      await end(store, run);
      const { data } = await store.sessions.items(tenant, 's-1', 100, 0);
      expect(data.map(({ item }) => item)).toEqual(
        unfinishedTurnItems({ text: message }, [...journal, ...nested, ...described], code) as Json[],
      );
      const called = data.flatMap(({ item }) => (item.type === 'function_call' ? [item.callId] : []));
      expect(called).toEqual(['call_2', 'call_5', 'call_6', 'call_9', 'call_11', 'call_13', 'call_14', 'call_15']);
      expect(data.every(({ runId }, index) => runId === run.id && data[index]?.seq === index + 1)).toBe(true);
    });

    test.each(ways)('$way counts with all tokens in its journal', async ({ end }) => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input: { text: message } });
      await store.journal.append(tenant, run.id, 1, { steps: journal, events: [] });
      await end(store, run);
      const usage = { ...noUsage, requests: 2, inputTokens: 7, totalTokens: 20 };
      expect(await store.runs.get(tenant, run.id)).toMatchObject({ usage, costUsd: 0.75 });
      expect(await store.sessions.get(tenant, 's-1')).toMatchObject({ usage, costUsd: 0.75 });
    });

    test.each(ways)('$way has no cost if that of one of its model calls is not known', async ({ end }) => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input: { text: message } });
      const steps = journal.map((step) => (step.step === 8 ? { ...step, costUsd: null } : step));
      await store.journal.append(tenant, run.id, 1, { steps, events: [] });
      await end(store, run);
      expect((await store.runs.get(tenant, run.id))?.costUsd).toBeNull();
    });

    test.each(ways)('$way adds nothing to its session if its tools only read', async ({ end }) => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input: { text: message } });
      const steps = journal.map((step) => (step.effect === null ? step : { ...step, effect: 'read' }));
      await store.journal.append(tenant, run.id, 1, { steps, events: [] });
      await end(store, run);
      expect((await store.sessions.items(tenant, 's-1', 100, 0)).data).toEqual([]);
    });
  });
}
