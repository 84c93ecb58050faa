import { describe, expect, test } from 'vitest';
import { type Candidate, rankCandidates } from './relevance.ts';

const candidate = (name: string, description: string, hints: string[] = []): Candidate => ({
  name,
  description,
  hints,
});

const desk = [
  candidate('cancel_order', 'Cancels an order.'),
  candidate('lookup_order', 'Looks up an order and its status.'),
  candidate('track_shipment', 'Tells where the parcel of an order is.'),
  candidate('refund', 'Pays back the money that was paid for an order.'),
];

const best = (message: string, candidates = desk) => rankCandidates(message, candidates)[0]?.candidate.name;

describe('the best match', () => {
  test.each([
    ['Show me order 1001', 'lookup_order'],
    ['Where is my order 1001?', 'track_shipment'],
    ['Has my parcel left?', 'track_shipment'],
    ['I would like to cancel', 'cancel_order'],
    ['Please refund order 1001', 'refund'],
    ['I want my money back for the order', 'refund'],
    ['What is the status?', 'lookup_order'],
  ])('of "%s" is %s', (message, name) => {
    expect(best(message)).toBe(name);
  });
});

test('a message without a shared meaningful word matches nothing', () => {
  expect(rankCandidates('Hello, can you help me?', desk)).toEqual([]);
  expect(rankCandidates('Tell me a joke', desk)).toEqual([]);
});

test('a change is chosen only if it is requested, even if it is listed first', () => {
  expect(rankCandidates('Where is my order?', desk).map(({ candidate: { name } }) => name)).not.toContain(
    'cancel_order',
  );
});

test('a change that the message negates is not chosen', () => {
  expect(best("Please don't cancel my order")).toBe('lookup_order');
});

test('a name that the message contains completely scores higher than one it contains in part', () => {
  const tools = [candidate('order_history_export', ''), candidate('get_order', '')];
  expect(best('my order', tools)).toBe('get_order');
});

test('candidates with equal scores stay in their order', () => {
  const twins = [candidate('first_report', 'Sales.'), candidate('second_report', 'Sales.')];
  expect(rankCandidates('sales', twins).map(({ candidate: { name } }) => name)).toEqual([
    'first_report',
    'second_report',
  ]);
});

test('the options of a parameter count for its tool', () => {
  const tools = [candidate('read_a', 'Reads.', ['oslo']), candidate('read_b', 'Reads.', ['rome'])];
  expect(best('And Rome, rome?', [...tools, candidate('x', ''), candidate('y', '')])).toBe('read_b');
});
