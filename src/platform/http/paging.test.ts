import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fromCursor, pageQuery, pageView, toCursor } from './paging.ts';

const query = z.strictObject(pageQuery);
const runCursor = z.strictObject({ id: z.string().max(100) });
const itemCursor = z.strictObject({ seq: z.int() });

describe('the size of a page', () => {
  test('defaults to 50', () => {
    expect(query.parse({})).toEqual({ limit: 50 });
  });

  test.each(['1', '200'])('may be %s', (limit) => {
    expect(query.parse({ limit })).toEqual({ limit: Number(limit) });
  });

  test.each(['0', '201', '-1', '1.5', '', 'all', 'NaN', ['1', '2']])('may not be %j', (limit) => {
    expect(query.safeParse({ limit }).success).toBe(false);
  });
});

describe('a cursor', () => {
  test('decodes to the position at which the page ended', () => {
    const cursor = toCursor({ id: 'run_1' });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(fromCursor(runCursor, cursor ?? '')).toEqual({ id: 'run_1' });
  });

  test('is null on the last page, and is left out for the first', () => {
    expect(toCursor(null)).toBeNull();
    expect(fromCursor(runCursor, undefined)).toBeNull();
  });

  test.each([
    { what: 'of another list', cursor: toCursor({ seq: 7 }) ?? '' },
    { what: 'with an additional field', cursor: toCursor({ id: 'run_1', tenant: 'other' }) ?? '' },
    { what: 'that is no cursor', cursor: 'next' },
    { what: 'that holds no JSON', cursor: Buffer.from('run_1').toString('base64url') },
    { what: 'that holds null', cursor: Buffer.from('null').toString('base64url') },
    { what: 'that is empty', cursor: '' },
  ])('$what is refused', ({ cursor }) => {
    expect(() => fromCursor(runCursor, cursor)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        message: 'cursor is not a next_cursor of this list.',
        extras: { errors: [{ path: 'cursor', message: 'is not a next_cursor of this list' }] },
      }),
    );
  });

  test('of the wrong kind of value is refused', () => {
    expect(() => fromCursor(itemCursor, toCursor({ seq: '7' }) ?? '')).toThrow('cursor is not a next_cursor');
  });

  test('may have 1,000 characters and no more', () => {
    expect(query.safeParse({ cursor: 'c'.repeat(1_000) }).success).toBe(true);
    expect(query.safeParse({ cursor: 'c'.repeat(1_001) }).success).toBe(false);
  });
});

test('a page on the wire has its entries and the next cursor, or null', () => {
  const view = pageView(z.object({ id: z.string() }));
  expect(view.safeParse({ data: [{ id: 'a' }], next_cursor: null }).success).toBe(true);
  expect(view.safeParse({ data: [{ id: 'a' }], next_cursor: 'abc' }).success).toBe(true);
  expect(view.safeParse({ data: [{ id: 'a' }] }).success).toBe(false);
  expect(view.safeParse({ data: [{}], next_cursor: null }).success).toBe(false);
});
