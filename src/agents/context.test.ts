import { describe, expect, test } from 'vitest';
import { buildContext, type RunFacts, reasonNotPlain } from './context.ts';
import { RegistrationError } from './registration-error.ts';

const facts: RunFacts = {
  runId: 'run_1',
  tenant: 'default',
  sessionId: 's-1',
  metadata: { channel: 'web' },
  previous: null,
};

class Pool {}
const shared = { city: 'Easton' };
const cycle: Record<string, unknown> = {};
cycle.inner = { list: [cycle] };

describe('a plain record', () => {
  test.each([
    { content: 'no entry', value: {} },
    {
      content: 'values of JSON',
      value: { text: 'a', count: 1, yes: true, none: null, list: [1, ['b']], deep: { er: {} } },
    },
    { content: 'an undefined value', value: { absent: undefined } },
    { content: 'entries without a prototype', value: Object.assign(Object.create(null), { a: 1 }) },
    { content: 'the same record in two places', value: { home: shared, work: shared } },
  ])('may have $content', ({ value }) => {
    expect(reasonNotPlain(value)).toBeNull();
  });

  test.each([
    { value: undefined, reason: 'context is undefined' },
    { value: null, reason: 'context is null' },
    { value: 'text', reason: 'context is a string' },
    { value: 7, reason: 'context is a number' },
    { value: [1], reason: 'context is an instance of Array' },
    { value: new Map(), reason: 'context is an instance of Map' },
    { value: new Pool(), reason: 'context is an instance of Pool' },
    { value: () => ({}), reason: 'context is a function' },
    { value: { db: { pool: new Pool() } }, reason: 'context.db.pool is an instance of Pool' },
    { value: { at: [new Date(0)] }, reason: 'context.at.0 is an instance of Date' },
    { value: { log: () => {} }, reason: 'context.log is a function' },
    { value: { id: 7n }, reason: 'context.id is a bigint' },
    { value: { id: Symbol('id') }, reason: 'context.id is a symbol' },
    { value: { ratio: Number.NaN }, reason: 'context.ratio is NaN' },
    { value: { ratio: Number.POSITIVE_INFINITY }, reason: 'context.ratio is Infinity' },
    { value: cycle, reason: 'context.inner.list.0 refers back to itself' },
  ])('is no other value: $reason', ({ value, reason }) => {
    expect(reasonNotPlain(value)).toBe(reason);
  });
});

describe('the context of a run', () => {
  test('is empty if the application has no builder', async () => {
    expect(await buildContext(undefined, facts)).toEqual({});
  });

  test('is built from the facts of the run, synchronously or asynchronously', async () => {
    expect(await buildContext(({ runId }) => ({ runId }), facts)).toEqual({ runId: 'run_1' });
    expect(await buildContext(async ({ metadata }) => ({ ...metadata }), facts)).toEqual({ channel: 'web' });
  });

  test('that is not a plain record is refused, with the reason and what to do', async () => {
    const refusal = buildContext(() => ({ pool: new Pool() }), facts);
    await expect(refusal).rejects.toBeInstanceOf(RegistrationError);
    await expect(refusal).rejects.toThrow(/: context\.pool is an instance of Pool\. Keep clients and pools in module/);
  });

  test('whose builder fails rejects with the error of the builder', async () => {
    const broken = new Error('no database');
    await expect(buildContext(() => Promise.reject(broken), facts)).rejects.toBe(broken);
  });
});
