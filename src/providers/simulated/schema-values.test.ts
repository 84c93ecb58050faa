import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sampleFromPattern } from './pattern.ts';
import type { Schema } from './schema.ts';
import { sampleValue } from './schema-values.ts';

const category = z.object({
  name: z.string(),
  get children() {
    return z.array(category);
  },
});

const chain = z.object({
  label: z.string(),
  get next() {
    return chain.nullable();
  },
});

describe('a sample value satisfies its schema', () => {
  test.each<[string, z.ZodObject]>([
    [
      'scalars',
      z.object({ text: z.string(), count: z.int(), share: z.number(), flag: z.boolean(), nothing: z.null() }),
    ],
    [
      'bounds',
      z.object({ a: z.number().min(5).max(5.5), b: z.int().gt(10), c: z.number().lt(0), d: z.int().multipleOf(7) }),
    ],
    ['narrow bounds', z.object({ share: z.number().gt(0).lt(1), year: z.int().min(2020).max(2030) })],
    ['lengths', z.object({ code: z.string().length(3), long: z.string().min(80), short: z.string().max(2) })],
    [
      'formats',
      z.object({ mail: z.email(), link: z.url(), id: z.uuid(), day: z.iso.date(), at: z.iso.datetime(), ip: z.ipv4() }),
    ],
    ['patterns', z.object({ sku: z.string().regex(/^[A-Z]{3}-\d{4}$/), colour: z.string().regex(/^#[0-9a-f]{6}$/i) })],
    [
      'choices',
      z.object({ mood: z.enum(['good', 'bad']), kind: z.literal('note'), size: z.union([z.literal(1), z.literal(2)]) }),
    ],
    ['optional parts', z.object({ a: z.string().optional(), b: z.string().nullable(), c: z.number().default(3) })],
    [
      'arrays',
      z.object({
        tags: z.array(z.string()).min(2),
        none: z.array(z.string()).max(0),
        pair: z.tuple([z.string(), z.int()]),
      }),
    ],
    [
      'nesting',
      z.object({ a: z.object({ b: z.object({ c: z.object({ d: z.array(z.object({ e: z.string() })) }) }) }) }),
    ],
    [
      'alternatives',
      z.object({
        shape: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('dot') }),
          z.object({ kind: z.literal('box'), side: z.number() }),
        ]),
      }),
    ],
    ['intersections', z.object({ both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })) })],
    ['records', z.object({ counts: z.record(z.string(), z.int()) })],
    ['trees', category],
    ['chains', chain],
  ])('%s', (_what, schema) => {
    const value = sampleValue(z.toJSONSchema(schema, { unrepresentable: 'any' }) as Schema);
    expect(schema.safeParse(value).error).toBeUndefined();
  });
});

test('the default and the first option take precedence over sample values', () => {
  const schema = z.object({ page: z.int().default(3), mood: z.enum(['calm', 'angry']) });
  expect(sampleValue(z.toJSONSchema(schema) as Schema)).toEqual({ page: 3, mood: 'calm' });
});

test('known values are used by name, at any depth', () => {
  const schema = z.object({ order: z.object({ status: z.string() }) });
  const known = (name: string) => (name === 'status' ? 'shipped' : undefined);
  expect(sampleValue(z.toJSONSchema(schema) as Schema, known)).toEqual({ order: { status: 'shipped' } });
});

test('a schema that refers only to itself terminates', () => {
  expect(sampleValue({ $ref: '#' })).toBeTypeOf('string');
  expect(sampleValue({ anyOf: [{ $ref: '#' }] })).toBeTypeOf('string');
});

test('a tuple in the form of draft 7 gets one value per position', () => {
  expect(sampleValue({ type: 'array', items: [{ const: 'a' }, { type: 'integer' }], minItems: 2 })).toEqual(['a', 1]);
});

describe('a sample matches its pattern', () => {
  test.each([
    '^INV-\\d{4}$',
    '^(cat|dog)s?$',
    '^[^0-9]+$',
    '^\\w{2,5}@(?:[a-z]+\\.)+[a-z]{2,}$',
    '^\\+?[1-9]\\d{1,14}$',
    '^a.c$',
    '\\bword\\b',
    '^[\\]x]{3}$',
  ])('%s', (pattern) => {
    expect(sampleFromPattern(pattern)).toMatch(new RegExp(pattern));
  });
});

test('a pattern with look-around or back references has no sample', () => {
  expect(sampleFromPattern('^(?=.*\\d)[a-z]+$')).toBeUndefined();
  expect(sampleFromPattern('^(a)\\1$')).toBeUndefined();
});
