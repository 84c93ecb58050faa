import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fillArguments, type Source } from './arguments.ts';
import type { Schema } from './schema.ts';

const sourceOf = (message: string, before: Partial<Source> = {}): Source => ({
  message,
  earlierMessages: [],
  earlierCalls: [],
  ...before,
});

const fill = (parameters: z.ZodObject, source: Source) =>
  fillArguments(z.toJSONSchema(parameters, { io: 'input' }) as Schema, source);

const order = z.object({ order_number: z.string().regex(/^\d{4}$/) });
const refund = order.extend({ reason: z.string() });
const address = order.extend({ new_address: z.string().min(5) });
const weather = z.object({ city: z.enum(['Paris', 'New York', 'York']), unit: z.enum(['celsius', 'fahrenheit']) });
const place = z.object({ city: z.string() });
const sum = z.object({ a: z.number(), b: z.number() });

describe('arguments found in a message', () => {
  test.each<[string, z.ZodObject, Record<string, unknown>]>([
    ['Where is order 1001?', order, { order_number: '1001' }],
    ['Where is order no. 1001?', order, { order_number: '1001' }],
    ['#1001 please', order, { order_number: '1001' }],
    ['I ordered 12 chairs for 1250 EUR, the order number is 1003', order, { order_number: '1003' }],
    ['refund order 1002, it arrived broken', refund, { order_number: '1002', reason: 'it arrived broken' }],
    ['Refund 1002 because the lid is cracked.', refund, { order_number: '1002', reason: 'the lid is cracked' }],
    ['Send order 1005 to 12 Mill Lane, Easton', address, { order_number: '1005', new_address: '12 Mill Lane, Easton' }],
    [
      'I want to change the address of order 1005 to 12 Mill Lane, please',
      address,
      { order_number: '1005', new_address: '12 Mill Lane' },
    ],
    [
      'I moved to Easton Park, so send it to 3 Hill Road',
      address.pick({ new_address: true }),
      { new_address: '3 Hill Road' },
    ],
    [
      'I move to Easton tomorrow, send order 1005 to 3 Hill Road',
      address,
      { order_number: '1005', new_address: '3 Hill Road' },
    ],
    ['Is it hot in New York?', weather, { city: 'New York', unit: 'celsius' }],
    ['Paris in Fahrenheit', weather, { city: 'Paris', unit: 'fahrenheit' }],
    ['What is the weather like in Rome today?', place, { city: 'Rome' }],
    ['weather in new delhi', place, { city: 'new delhi' }],
    ['city: oslo', place, { city: 'oslo' }],
    ['Add 2 and 2', sum, { a: 2, b: 2 }],
    ['What is 1,200.50 plus -3?', sum, { a: 1200.5, b: -3 }],
    ['Write to someone@example.com', z.object({ to: z.email() }), { to: 'someone@example.com' }],
    ['Open https://example.com/a?b=1.', z.object({ link: z.url() }), { link: 'https://example.com/a?b=1.' }],
    ['Book it for 2026-05-01', z.object({ day: z.iso.date() }), { day: '2026-05-01' }],
    ['Search "night trains" for me', z.object({ query: z.string() }), { query: 'night trains' }],
    ['How tall is it?', z.object({ question: z.string() }), { question: 'How tall is it?' }],
    ['Wrap it with gift wrap', z.object({ gift_wrap: z.boolean() }), { gift_wrap: true }],
    ['Without gift wrap', z.object({ gift_wrap: z.boolean() }), { gift_wrap: false }],
    [
      'Compare orders 1001 and 1004',
      z.object({ orders: z.array(z.string().regex(/^\d+$/)) }),
      { orders: ['1001', '1004'] },
    ],
    [
      'Red and blue',
      z.object({ colours: z.array(z.enum(['red', 'green', 'blue'])).min(1) }),
      { colours: ['red', 'blue'] },
    ],
    ['To 12 Mill Lane', z.object({ to: z.object({ address: z.string() }) }), { to: { address: '12 Mill Lane' } }],
    ['anything', z.object({ kind: z.literal('parcel') }), { kind: 'parcel' }],
  ])('%s', (message, parameters, expected) => {
    const filled = fill(parameters, sourceOf(message));
    expect(filled).toEqual({ arguments: expected, missing: [] });
    expect(parameters.parse(filled.arguments)).toEqual(expected);
  });
});

describe('an argument that is not in the message', () => {
  const optional = z.object({
    order_number: z.string().nullable(),
    page: z.number().default(1),
    tag: z.string().optional(),
  });

  test('is null, the default, or omitted, if allowed', () => {
    expect(fill(optional, sourceOf('Show them')).arguments).toEqual({ order_number: null, page: 1 });
  });

  test('comes from the earlier calls', () => {
    const earlierCalls = [{ name: 'lookup_order', arguments: { order_number: '1004' } }];
    expect(fill(order, sourceOf('When does it arrive?', { earlierCalls })).arguments).toEqual({ order_number: '1004' });
  });

  test('comes from the latest earlier message that contains it', () => {
    const earlierMessages = ['Is order 1007 there?', 'Where is order 1001?'];
    expect(fill(order, sourceOf('And when does it arrive?', { earlierMessages })).arguments.order_number).toBe('1007');
  });

  test('does not come from an earlier message if it is optional or prose', () => {
    const before = { earlierMessages: ['Order 1001 broke because it fell.'] };
    expect(fill(optional, sourceOf('Show them', before)).arguments.order_number).toBeNull();
    expect(fill(refund, sourceOf('Refund it', before)).arguments.reason).toBe('Refund it');
  });

  test('is missing if it is needed and not found', () => {
    const described = z.object({ order_number: z.string().describe('Four digits') });
    expect(fill(described, sourceOf('Where is my order?')).missing).toEqual([
      { name: 'order_number', description: 'Four digits', options: undefined },
    ]);
  });

  test('is missing with its options if the only argument is a choice', () => {
    expect(fill(weather.pick({ city: true }), sourceOf('How is the weather?')).missing).toEqual([
      { name: 'city', description: undefined, options: ['Paris', 'New York', 'York'] },
    ]);
  });
});

test('one span of a message fills one argument', () => {
  expect(fill(sum, sourceOf('Double 21')).missing.map(({ name }) => name)).toEqual(['b']);
});

test('a whole reply may be the value', () => {
  expect(fill(place, sourceOf('rome', { isReply: true })).arguments).toEqual({ city: 'rome' });
});

test('numbers outside the bounds are ignored', () => {
  const rating = z.object({ rating: z.int().min(1).max(5) });
  expect(fill(rating, sourceOf('Order 1001: I give it 4')).arguments).toEqual({ rating: 4 });
});
