import { describe, expect, test } from 'vitest';
import type { Conversation } from './conversation.ts';
import { type Callable, type Decision, decide } from './decide.ts';
import type { Schema } from './schema.ts';

const order: Schema = {
  type: 'object',
  properties: { order_number: { type: 'string', pattern: '^\\d{4}$' } },
  required: ['order_number'],
};

const tool = (name: string, description: string, parameters = order): Callable => ({
  kind: 'tool',
  name,
  description,
  parameters,
  hints: Object.keys(parameters.properties ?? {}),
});

const handoff = (agent: string, description: string): Callable => ({
  kind: 'handoff',
  name: `transfer_to_${agent}`,
  description: `Handoff to the ${agent} agent to handle the request. ${description}`,
  parameters: { type: 'object', properties: {}, required: [] },
  hints: [],
});

const lookup = tool('lookup_order', 'Looks up an order and its status.');
const track = tool('track_parcel', 'Tells where the parcel of an order is.');
const cancel = tool('cancel_order', 'Cancels an order.');
const invoices = tool('list_invoices', 'Lists the invoices of an order.');
const search = tool('search_manuals', 'Searches the manuals.', {
  type: 'object',
  properties: { query: { type: 'string' } },
  required: ['query'],
});
const orders = handoff('orders', 'Orders, parcels, deliveries.');
const billing = handoff('billing', 'Invoices, payments and refunds of orders.');
const triage = handoff('triage', 'The first contact: orders, invoices, anything.');

const conversationOf = (message: string, overrides: Partial<Conversation> = {}): Conversation => ({
  message,
  earlierMessages: [],
  calls: [],
  handoffs: [],
  earlierCalls: [],
  isServed: false,
  callIds: new Set(),
  ...overrides,
});

const done = (name: string, output = 'done', args = { order_number: '1001' }) => ({ name, arguments: args, output });

/** `lookup_order 1001` for a call, `answer: results` for an answer. */
function summarise(decision: Decision): string {
  if (decision.type === 'answer') return `answer: ${decision.about}`;
  return [decision.callable.name, ...Object.values(decision.arguments)].join(' ');
}

type Row = [what: string, conversation: Conversation, callables: Callable[], decision: string];

const desk = [lookup, track, cancel];

describe('the next step', () => {
  test.each<Row>([
    [
      'a message that matches a specialist',
      conversationOf('Where is my order?'),
      [orders, billing],
      'transfer_to_orders',
    ],
    [
      'a message that matches the other one',
      conversationOf('Refund my order'),
      [orders, billing],
      'transfer_to_billing',
    ],
    ['a tool that matches', conversationOf('What is the status of order 1001?'), desk, 'lookup_order 1001'],
    ['a tool listed after another that shares a word', conversationOf('Cancel order 1001'), desk, 'cancel_order 1001'],
    [
      'a tool and a handoff with equal scores: the tool',
      conversationOf('invoices of 1001'),
      [billing, invoices],
      'list_invoices 1001',
    ],
    [
      'a handoff that matches better than the tools',
      conversationOf('a refund for my payments'),
      [...desk, billing],
      'transfer_to_billing',
    ],
    ['a missing argument', conversationOf('What is the status of my order?'), desk, 'answer: missing'],
    [
      'a missing argument, and a poor match with complete arguments',
      conversationOf('What is the status of my order?'),
      [lookup, tool('statistics', 'Counts all orders.', { type: 'object', properties: {} })],
      'answer: missing',
    ],
    ['a greeting', conversationOf('Hello!'), [...desk, orders], 'answer: callables'],
    ['no tools', conversationOf('Where is my order 1001?'), [], 'answer: callables'],
    ['an empty message', conversationOf(''), desk, 'answer: callables'],
    [
      'a question that only a search tool can take',
      conversationOf('How do I clean the kettle?'),
      [...desk, search],
      'search_manuals How do I clean the kettle?',
    ],
  ])('%s', (_what, conversation, callables, expected) => {
    expect(summarise(decide(conversation, callables))).toBe(expected);
  });
});

describe('after a call', () => {
  test.each<Row>([
    [
      'the question is answered',
      conversationOf('status of order 1001', { calls: [done('lookup_order')] }),
      desk,
      'answer: results',
    ],
    [
      'another tool is called for words that the first does not match',
      conversationOf('status of order 1001, and where is the parcel?', { calls: [done('lookup_order')] }),
      desk,
      'track_parcel 1001',
    ],
    [
      'a change is not made for words that the first call matches',
      conversationOf('order 1001', { calls: [done('lookup_order')] }),
      desk,
      'answer: results',
    ],
    [
      'two calls are enough',
      conversationOf('status and parcel of order 1001, and cancel it', {
        calls: [done('lookup_order'), done('track_parcel')],
      }),
      desk,
      'answer: results',
    ],
    [
      'a failure is reported at once',
      conversationOf('status of order 1001, and the parcel', {
        calls: [done('lookup_order', 'An error occurred while running the tool. Please try again.')],
      }),
      desk,
      'answer: results',
    ],
    [
      'no handoff is made any more',
      conversationOf('status of order 1001 and my refund', { calls: [done('lookup_order')] }),
      [lookup, billing],
      'answer: results',
    ],
  ])('%s', (_what, conversation, callables, expected) => {
    expect(summarise(decide(conversation, callables))).toBe(expected);
  });
});

describe('after a handoff', () => {
  const handedOver = { handoffs: ['transfer_to_orders'] };
  test.each<Row>([
    [
      'the specialist uses its tools',
      conversationOf('Where is order 1001?', handedOver),
      [track, triage],
      'track_parcel 1001',
    ],
    ['the way back is not taken', conversationOf('anything about orders', handedOver), [triage], 'answer: callables'],
    [
      'the specialist tries its own tools first',
      conversationOf('Refund for order 1001', handedOver),
      [lookup, billing],
      'lookup_order 1001',
    ],
    [
      'the specialist keeps what it cannot do',
      conversationOf('A refund of the payments', handedOver),
      [lookup, billing],
      'answer: callables',
    ],
    [
      'a specialist that the message names gets it',
      conversationOf('Billing: a refund', handedOver),
      [lookup, billing],
      'transfer_to_billing',
    ],
    [
      'the same handoff is not made again',
      conversationOf('Where is my order?', handedOver),
      [orders],
      'answer: callables',
    ],
    [
      'a deeper specialist is reached',
      conversationOf('Where is my parcel?', { handoffs: ['transfer_to_shop'] }),
      [orders],
      'transfer_to_orders',
    ],
    [
      'three handoffs are enough',
      conversationOf('Where is my parcel?', { handoffs: ['transfer_to_a', 'transfer_to_b', 'transfer_to_c'] }),
      [orders],
      'answer: callables',
    ],
  ])('%s', (_what, conversation, callables, expected) => {
    expect(summarise(decide(conversation, callables))).toBe(expected);
  });
});

describe('a message that depends on the one before', () => {
  const earlierMessages = ['Cancel my order'];
  test.each<Row>([
    ['a number answers the question', conversationOf('1001', { earlierMessages }), desk, 'cancel_order 1001'],
    ['so does a sentence with it', conversationOf('yes, it is 1001', { earlierMessages }), desk, 'cancel_order 1001'],
    ['a consent without it is asked again', conversationOf('yes', { earlierMessages }), desk, 'answer: missing'],
    ['thanks ask for nothing', conversationOf('thanks for that', { earlierMessages }), desk, 'answer: callables'],
    [
      'an ok to what was done does nothing',
      conversationOf('ok', {
        earlierMessages: ['Cancel order 1001'],
        earlierCalls: [done('cancel_order')],
        isServed: true,
      }),
      desk,
      'answer: callables',
    ],
    [
      'the same is not done once more',
      conversationOf('1001', {
        earlierMessages: ['Cancel order 1001'],
        earlierCalls: [done('cancel_order')],
        isServed: true,
      }),
      [cancel],
      'answer: callables',
    ],
    [
      'a question of its own takes the number from before',
      conversationOf('and where is the parcel?', {
        earlierMessages: ['status of 1001'],
        earlierCalls: [done('lookup_order')],
      }),
      desk,
      'track_parcel 1001',
    ],
  ])('%s', (_what, conversation, callables, expected) => {
    expect(summarise(decide(conversation, callables))).toBe(expected);
  });
});

describe("the developer's tool choice", () => {
  const chosen = (choice: string, so: Partial<Conversation> = {}) =>
    summarise(decide(conversationOf('Hello', so), desk, choice));

  test('none calls nothing', () => {
    expect(summarise(decide(conversationOf('status of order 1001'), desk, 'none'))).toBe('answer: callables');
  });

  test('required calls a tool even without a match, with sample arguments', () => {
    expect(chosen('required')).toMatch(/^lookup_order \d{4}$/);
  });

  test('a name calls that tool', () => {
    expect(chosen('cancel_order')).toMatch(/^cancel_order \d{4}$/);
  });

  test('is applied once per message, so that a run ends', () => {
    expect(chosen('required', { calls: [done('lookup_order')] })).toBe('answer: results');
  });
});
