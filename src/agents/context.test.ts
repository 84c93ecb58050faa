import { describe, expect, test } from 'vitest';
import { buildContext, type RunFacts, whyNotPlain } from './context.ts';
import { RegistrationError } from './registration-error.ts';

const facts: RunFacts = { runId: 'run_1', tenant: 'default', sessionId: 's-1', metadata: { channel: 'web' } };

class Pool {}
const shared = { city: 'Easton' };
const cycle: Record<string, unknown> = {};
cycle.inner = { list: [cycle] };

describe('a plain record', () => {
  test.each([
    { what: 'an empty one', value: {} },
    {
      what: 'values of JSON',
      value: { text: 'a', count: 1, yes: true, none: null, list: [1, ['b']], deep: { er: {} } },
    },
    { what: 'a value that is not there', value: { absent: undefined } },
    { what: 'one without a prototype', value: Object.assign(Object.create(null), { a: 1 }) },
    { what: 'the same record in two places', value: { home: shared, work: shared } },
  ])('may hold $what', ({ value }) => {
    expect(whyNotPlain(value)).toBeNull();
  });

  test.each([
    { value: undefined, why: 'context is undefined' },
    { value: null, why: 'context is null' },
    { value: 'text', why: 'context is a string' },
    { value: 7, why: 'context is a number' },
    { value: [1], why: 'context is an instance of Array' },
    { value: new Map(), why: 'context is an instance of Map' },
    { value: new Pool(), why: 'context is an instance of Pool' },
    { value: () => ({}), why: 'context is a function' },
    { value: { db: { pool: new Pool() } }, why: 'context.db.pool is an instance of Pool' },
    { value: { at: [new Date(0)] }, why: 'context.at.0 is an instance of Date' },
    { value: { log: () => {} }, why: 'context.log is a function' },
    { value: { id: 7n }, why: 'context.id is a bigint' },
    { value: { id: Symbol('id') }, why: 'context.id is a symbol' },
    { value: { ratio: Number.NaN }, why: 'context.ratio is NaN' },
    { value: { ratio: Number.POSITIVE_INFINITY }, why: 'context.ratio is Infinity' },
    { value: cycle, why: 'context.inner.list.0 refers back to itself' },
  ])('is nothing else: $why', ({ value, why }) => {
    expect(whyNotPlain(value)).toBe(why);
  });
});

describe('the context of a run', () => {
  test('is empty where the application builds none', async () => {
    expect(await buildContext(undefined, facts)).toEqual({});
  });

  test('is built from the facts of the run, now or later', async () => {
    expect(await buildContext(({ runId }) => ({ runId }), facts)).toEqual({ runId: 'run_1' });
    expect(await buildContext(async ({ metadata }) => ({ ...metadata }), facts)).toEqual({ channel: 'web' });
  });

  test('that is not a plain record is refused, with the reason and what to do', async () => {
    const refusal = buildContext(() => ({ pool: new Pool() }), facts);
    await expect(refusal).rejects.toBeInstanceOf(RegistrationError);
    await expect(refusal).rejects.toThrow(/: context\.pool is an instance of Pool\. Keep clients and pools in module/);
  });

  test('whose builder fails keeps that error', async () => {
    const broken = new Error('no database');
    await expect(buildContext(() => Promise.reject(broken), facts)).rejects.toBe(broken);
  });
});
