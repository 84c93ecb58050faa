import { describe, expect, test } from 'vitest';
import { type Json, type JsonRecord, toInputText } from '../port/index.ts';
import { finish, type OpenStore, start, tenant } from './fixture.contract.ts';
import { keys, strings, values } from './odd-values.contract.ts';

/** Compares byte by byte: matchers look past prototypes, key order and lone surrogates. */
const expectSame = (actual: Json | undefined, expected: Json) =>
  expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));

/** What the port promises of opaque values: they come back as they went in. */
export function describeValues(open: OpenStore): void {
  describe('values', () => {
    for (const [name, text] of Object.entries(strings)) {
      test(`a text comes back as it went in: ${name}`, async () => {
        await using fixture = await open();
        const { store } = fixture;
        const error = { code: 'agent_error', detail: text, retryable: false };
        const run = await start(store, { input: { text }, metadata: { [text]: text } });
        const finished = await finish(store, run, { response: text, output: text, error, newItems: [{ text }] });
        const expected = [text, { [text]: text }, text, text, error] as Json;
        for (const each of [finished, await store.runs.get(tenant, run.id)]) {
          expectSame(
            [each && toInputText(each.input), each?.metadata, each?.response, each?.output, each?.error] as Json,
            expected,
          );
        }
        expectSame(await store.sessions.history(tenant, 's-1', 1), [{ text }]);
      });
    }

    test('objects come back with their keys, in their order, and no prototype is changed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { metadata: values });
      const finished = await finish(store, run, { output: values, newItems: [values, keys] });
      expectSame(run.metadata, values);
      expectSame(finished.metadata, values);
      expectSame(finished.output, values);
      expectSame(await store.sessions.history(tenant, 's-1', 2), [values, keys]);
      expect(Object.getPrototypeOf(finished.metadata)).toBe(Object.prototype);
      expect(({} as JsonRecord).admin).toBeUndefined();
    });

    for (const output of [null, false, 0, '', [], {}, 'null'] as Json[]) {
      test(`an output comes back as it went in: ${JSON.stringify(output)}`, async () => {
        await using fixture = await open();
        const run = await finish(fixture.store, await start(fixture.store), { output });
        expectSame((await fixture.store.runs.get(tenant, run.id))?.output, output);
      });
    }

    test('names from a provider never prevent the end of a run; what a column cannot hold becomes U+FFFD', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const finished = await finish(fixture.store, run, { model: 'm\u0000\ud800 é', lastAgent: 'a\u0000 👩‍🚀' });
      expect(finished).toMatchObject({ model: 'm\ufffd\ufffd é', lastAgent: 'a\ufffd 👩‍🚀' });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ lastAgent: 'a\ufffd 👩‍🚀' });
    });

    test('a megabyte in one item comes back as it went in', async () => {
      await using fixture = await open();
      const item = { text: '👩‍🚀\u0000"'.repeat(100_000).slice(0, 2 ** 20) };
      await finish(fixture.store, await start(fixture.store), { newItems: [item, { n: 2 }] });
      const [large, small] = await fixture.store.sessions.history(tenant, 's-1', 2);
      expect(large?.text === item.text).toBe(true);
      expect(small).toEqual({ n: 2 });
    });

    test('a cost comes back as the number it was', async () => {
      await using fixture = await open();
      const run = await finish(fixture.store, await start(fixture.store), { costUsd: 0.000_891_234_567 });
      expect(run.costUsd).toBe(0.000_891_234_567);
    });

    test('changes of a returned run by the caller change nothing in the store', async () => {
      await using fixture = await open();
      const metadata: JsonRecord = { a: 1 };
      const run = await start(fixture.store, { metadata });
      metadata.a = 2;
      run.metadata.b = 3;
      expect((await fixture.store.runs.get(tenant, run.id))?.metadata).toEqual({ a: 1 });
    });
  });
}
