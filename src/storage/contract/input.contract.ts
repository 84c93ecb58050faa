import { describe, expect, test } from 'vitest';
import {
  attachData,
  detachData,
  type JsonRecord,
  type RunInput,
  type Step,
  type Store,
  toInputItems,
  unfinishedTurnItems,
} from '../port/index.ts';
import {
  cancelled,
  finish,
  handBack,
  newStep,
  type OpenStore,
  otherTenant,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';

const png = (bytes: number, fill = 7): string =>
  `data:image/png;base64,${Buffer.alloc(bytes, fill).toString('base64')}`;

/** An input of several messages, with large data and small. */
const whole: RunInput = {
  items: [
    { type: 'message', role: 'system', content: 'Be "brief" \\ é\ud800' },
    { type: 'message', role: 'user', content: 'Look at this.' },
    { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'At what?' }] },
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'At "these":' },
        { type: 'input_image', image: png(9_000), detail: 'low' },
        { type: 'input_image', image: png(12) },
        { type: 'input_file', file: `data:application/pdf;base64,${'QUJD'.repeat(2_000)}`, filename: 'a "b".pdf' },
        { type: 'input_file', file: { id: 'file-1' } },
        { type: 'audio', audio: 'UklG'.repeat(2_000), format: 'wav' },
      ],
    },
  ],
};

const { input, data: inputData } = detachData(whole);

const charge: Step = newStep(1, {
  kind: 'tool_call',
  key: 't:call_1',
  name: 'charge',
  callId: 'call_1',
  effect: 'once',
  input: { cents: 250 },
  output: 'ok',
  usage: null,
  costUsd: null,
});

const itemsOf = async (store: Store, sessionId = 's-1'): Promise<JsonRecord[]> =>
  (await store.sessions.items(tenant, sessionId, 100, 0)).data.map(({ item }) => item);

const history: JsonRecord[] = [
  { type: 'message', role: 'user', content: 'Where is "it"?' },
  { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Here.' }] },
];

/** What the store promises of inputs that are more than text, and of histories that are imported. */
export function describeInput(open: OpenStore): void {
  describe('the input of a run', () => {
    test('of several messages and parts comes back as it was, its large data beside it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input, inputData });
      for (const each of [
        run,
        await store.runs.get(tenant, run.id),
        (await store.runs.list(tenant, {}, 10, null)).data[0],
      ]) {
        expect(each?.input).toEqual(input);
      }
      expect(JSON.stringify(run).length).toBeLessThan(4_000);
      expect(await store.runs.inputData(tenant, run.id)).toEqual(inputData);
      expect(attachData(run.input, await store.runs.inputData(tenant, run.id))).toEqual(whole);
    });

    test('has no data for another tenant, for a text, or once the run is gone with its session', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input, inputData });
      expect(await store.runs.inputData(otherTenant, run.id)).toEqual([]);
      const text = await start(store, { sessionId: 's-2' });
      expect(await store.runs.inputData(tenant, text.id)).toEqual([]);
      await finish(store, run);
      await store.sessions.delete(tenant, 's-1');
      expect(await store.runs.inputData(tenant, run.id)).toEqual([]);
    });

    test('is kept whole in the session by a run that the store ends after an effect', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { input, inputData });
      await store.journal.append(tenant, run.id, 1, { steps: [charge], events: [] });
      await handBack(store, run);
      await store.runs.requestCancel(tenant, run.id, cancelled);
      expect(await itemsOf(store)).toEqual(unfinishedTurnItems(whole, [charge], cancelled.code));
      expect((await itemsOf(store)).slice(0, 4)).toEqual(toInputItems(whole));
    });
  });

  describe('a page of items', () => {
    test('ends before the item that would make it too large, and has one item in any case', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const sized = (chars: number): JsonRecord => ({ type: 'message', role: 'user', content: 'é'.repeat(chars) });
      const items = [sized(10), sized(10), sized(1_000), sized(10)];
      await store.sessions.importHistory(tenant, 's-1', { items, idempotency: null });
      const pages: number[][] = [];
      for (let after: number | null = 0; after !== null; ) {
        const page = await store.sessions.items(tenant, 's-1', 10, after, 200);
        pages.push(page.data.map(({ seq }) => seq));
        after = page.next;
      }
      expect(pages).toEqual([[1, 2], [3], [4]]);
    });
  });

  describe('an imported history', () => {
    test('makes a new session, or goes to the end of one, and the next run begins with it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const outcome = await store.sessions.importHistory(tenant, 's-1', { items: history, idempotency: null });
      expect(outcome).toMatchObject({ type: 'imported', session: { id: 's-1', itemsCount: 2, runsCount: 0 } });
      const run = await start(store);
      expect(run.sessionSeqAtStart).toBe(2);
      await finish(store, run, { newItems: [{ n: 3 }] });
      await store.sessions.importHistory(tenant, 's-1', { items: history, idempotency: null });
      expect(await itemsOf(store)).toEqual([...history, { n: 3 }, ...history]);
      const { data } = await store.sessions.items(tenant, 's-1', 10, 0);
      expect(data.map(({ seq, runId }) => [seq, runId])).toEqual([
        [1, null],
        [2, null],
        [3, run.id],
        [4, null],
        [5, null],
      ]);
      expect(await store.sessions.get(otherTenant, 's-1')).toBeNull();
    });

    test('is imported once for a key, as long as the session exists', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const idempotency = { key: 'k "1"\u0000', fingerprint: 'f1' };
      const first = await store.sessions.importHistory(tenant, 's-1', { items: history, idempotency });
      expect(first).toMatchObject({ type: 'imported' });
      const again = await store.sessions.importHistory(tenant, 's-1', { items: history, idempotency });
      expect(again).toMatchObject({ type: 'existing', session: { itemsCount: 2 } });
      const other = { items: [], idempotency: { ...idempotency, fingerprint: 'f2' } };
      expect(await store.sessions.importHistory(tenant, 's-1', other)).toEqual({ type: 'key_reused' });
      expect(await store.sessions.importHistory(tenant, 's-2', { items: history, idempotency })).toMatchObject({
        type: 'imported',
      });
      expect(await itemsOf(store)).toEqual(history);
      await store.sessions.delete(tenant, 's-1');
      expect(await store.sessions.importHistory(tenant, 's-1', { items: history, idempotency })).toMatchObject({
        type: 'imported',
      });
    });

    test('is refused while a run holds the session or is queued for it, and nothing is written', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const held = { items: history, idempotency: null };
      const run = await start(store);
      const waiting = await queue(store);
      const before = await sessionState(store);
      expect(await store.sessions.importHistory(tenant, 's-1', held)).toEqual({ type: 'busy', activeRunId: run.id });
      expect(await sessionState(store)).toEqual(before);
      await finish(store, run);
      expect(await store.sessions.importHistory(tenant, 's-1', held)).toEqual({
        type: 'busy',
        activeRunId: waiting.id,
      });
    });
  });
}
