import { describe, expect, test } from 'vitest';
import type { Conversation } from './conversation.ts';
import { type Decision, decide, type Offer } from './decide.ts';
import type { Schema } from './schema.ts';

const order: Schema = {
  type: 'object',
  properties: { order_number: { type: 'string', pattern: '^\\d{4}$' } },
  required: ['order_number'],
};

const tool = (name: string, description: string, parameters = order): Offer => ({
  kind: 'tool',
  name,
  description,
  parameters,
  hints: Object.keys(parameters.properties ?? {}),
});

const handoff = (agent: string, description: string): Offer => ({
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

const asked = (message: string, so: Partial<Conversation> = {}): Conversation => ({
  message,
  earlierMessages: [],
  calls: [],
  handoffs: [],
  earlierCalls: [],
  isServed: false,
  callIds: new Set(),
  ...so,
});

const done = (name: string, output = 'done', args = { order_number: '1001' }) => ({ name, arguments: args, output });

/** `lookup_order 1001` for a call, `answer: results` for an answer. */
function shown(decision: Decision): string {
  if (decision.type === 'answer') return `answer: ${decision.about}`;
  return [decision.offer.name, ...Object.values(decision.arguments)].join(' ');
}

type Row = [what: string, conversation: Conversation, offers: Offer[], decision: string];

const desk = [lookup, track, cancel];

describe('what comes next', () => {
  test.each<Row>([
    ['a message that fits a specialist', asked('Where is my order?'), [orders, billing], 'transfer_to_orders'],
    ['a message that fits the other one', asked('Refund my order'), [orders, billing], 'transfer_to_billing'],
    ['a tool that fits', asked('What is the status of order 1001?'), desk, 'lookup_order 1001'],
    ['a tool listed after another that shares a word', asked('Cancel order 1001'), desk, 'cancel_order 1001'],
    [
      'a tool and a handoff that fit alike: the tool',
      asked('invoices of 1001'),
      [billing, invoices],
      'list_invoices 1001',
    ],
    [
      'a handoff that fits better than the tools here',
      asked('a refund for my payments'),
      [...desk, billing],
      'transfer_to_billing',
    ],
    ['a lacking argument', asked('What is the status of my order?'), desk, 'answer: missing'],
    [
      'a lacking argument, and a poor fit that lacks nothing',
      asked('What is the status of my order?'),
      [lookup, tool('statistics', 'Counts all orders.', { type: 'object', properties: {} })],
      'answer: missing',
    ],
    ['a greeting', asked('Hello!'), [...desk, orders], 'answer: offers'],
    ['nothing on offer', asked('Where is my order 1001?'), [], 'answer: offers'],
    ['an empty message', asked(''), desk, 'answer: offers'],
    [
      'a question that only a search can take',
      asked('How do I clean the kettle?'),
      [...desk, search],
      'search_manuals How do I clean the kettle?',
    ],
  ])('%s', (_what, conversation, offers, expected) => {
    expect(shown(decide(conversation, offers))).toBe(expected);
  });
});

describe('after a call', () => {
  test.each<Row>([
    [
      'what was asked is answered',
      asked('status of order 1001', { calls: [done('lookup_order')] }),
      desk,
      'answer: results',
    ],
    [
      'another tool is called for what the first does not explain',
      asked('status of order 1001, and where is the parcel?', { calls: [done('lookup_order')] }),
      desk,
      'track_parcel 1001',
    ],
    [
      'a change is not made for words that the first call explains',
      asked('order 1001', { calls: [done('lookup_order')] }),
      desk,
      'answer: results',
    ],
    [
      'two calls are enough',
      asked('status and parcel of order 1001, and cancel it', { calls: [done('lookup_order'), done('track_parcel')] }),
      desk,
      'answer: results',
    ],
    [
      'a failure is told at once',
      asked('status of order 1001, and the parcel', {
        calls: [done('lookup_order', 'An error occurred while running the tool. Please try again.')],
      }),
      desk,
      'answer: results',
    ],
    [
      'nobody is handed over any more',
      asked('status of order 1001 and my refund', { calls: [done('lookup_order')] }),
      [lookup, billing],
      'answer: results',
    ],
  ])('%s', (_what, conversation, offers, expected) => {
    expect(shown(decide(conversation, offers))).toBe(expected);
  });
});

describe('after a handoff', () => {
  const handedOver = { handoffs: ['transfer_to_orders'] };
  test.each<Row>([
    ['the specialist uses its tools', asked('Where is order 1001?', handedOver), [track, triage], 'track_parcel 1001'],
    ['the way back is not taken', asked('anything about orders', handedOver), [triage], 'answer: offers'],
    [
      'the specialist tries its own tools first',
      asked('Refund for order 1001', handedOver),
      [lookup, billing],
      'lookup_order 1001',
    ],
    [
      'the specialist keeps what it cannot do',
      asked('A refund of the payments', handedOver),
      [lookup, billing],
      'answer: offers',
    ],
    [
      'a specialist that the message names gets it',
      asked('Billing: a refund', handedOver),
      [lookup, billing],
      'transfer_to_billing',
    ],
    ['the same handoff is not made again', asked('Where is my order?', handedOver), [orders], 'answer: offers'],
    [
      'a deeper specialist is reached',
      asked('Where is my parcel?', { handoffs: ['transfer_to_shop'] }),
      [orders],
      'transfer_to_orders',
    ],
    [
      'three handoffs are enough',
      asked('Where is my parcel?', { handoffs: ['transfer_to_a', 'transfer_to_b', 'transfer_to_c'] }),
      [orders],
      'answer: offers',
    ],
  ])('%s', (_what, conversation, offers, expected) => {
    expect(shown(decide(conversation, offers))).toBe(expected);
  });
});

describe('a message that leans on the one before', () => {
  const earlierMessages = ['Cancel my order'];
  test.each<Row>([
    ['a number answers the question', asked('1001', { earlierMessages }), desk, 'cancel_order 1001'],
    ['so does a sentence with it', asked('yes, it is 1001', { earlierMessages }), desk, 'cancel_order 1001'],
    ['a consent without it is asked again', asked('yes', { earlierMessages }), desk, 'answer: missing'],
    ['thanks ask for nothing', asked('thanks for that', { earlierMessages }), desk, 'answer: offers'],
    [
      'an ok to what was done does nothing',
      asked('ok', { earlierMessages: ['Cancel order 1001'], earlierCalls: [done('cancel_order')], isServed: true }),
      desk,
      'answer: offers',
    ],
    [
      'the same is not done once more',
      asked('1001', { earlierMessages: ['Cancel order 1001'], earlierCalls: [done('cancel_order')], isServed: true }),
      [cancel],
      'answer: offers',
    ],
    [
      'a question of its own takes the number from before',
      asked('and where is the parcel?', { earlierMessages: ['status of 1001'], earlierCalls: [done('lookup_order')] }),
      desk,
      'track_parcel 1001',
    ],
  ])('%s', (_what, conversation, offers, expected) => {
    expect(shown(decide(conversation, offers))).toBe(expected);
  });
});

describe("the developer's tool choice", () => {
  const chosen = (choice: string, so: Partial<Conversation> = {}) => shown(decide(asked('Hello', so), desk, choice));

  test('none calls nothing', () => {
    expect(shown(decide(asked('status of order 1001'), desk, 'none'))).toBe('answer: offers');
  });

  test('required calls a tool even when nothing fits, with made-up arguments', () => {
    expect(chosen('required')).toMatch(/^lookup_order \d{4}$/);
  });

  test('a name calls that tool', () => {
    expect(chosen('cancel_order')).toMatch(/^cancel_order \d{4}$/);
  });

  test('is met once for a message, so that a run comes to its end', () => {
    expect(chosen('required', { calls: [done('lookup_order')] })).toBe('answer: results');
  });
});
