import { describe, expect, test } from 'vitest';
import { answerText } from './answer.ts';
import type { Call, Conversation } from './conversation.ts';
import type { Offer } from './decide.ts';

const conversation = (calls: Call[], message = 'Hello'): Conversation => ({
  message,
  earlierMessages: [],
  calls,
  handoffs: [],
  earlierCalls: [],
  isServed: false,
  callIds: new Set(),
});

const told = (output: string, name = 'lookup_order') =>
  answerText({ type: 'answer', about: 'results' }, conversation([{ name, arguments: {}, output }]), []);

const offer = (kind: Offer['kind'], name: string, description: string): Offer => ({
  kind,
  name,
  description,
  parameters: {},
  hints: [],
});

describe('results', () => {
  test('of a tool that answers with a sentence are that sentence', () => {
    expect(told('It left today.')).toBe('[simulated] It left today.');
  });

  test('of a tool that answers with an object are one line a property, nothing empty among them', () => {
    const output = {
      order: '1001',
      isPaid: true,
      items: [{ product: 'lamp', quantity: 2 }, { product: 'bulb' }],
      note: null,
    };
    expect(told(JSON.stringify(output))).toBe(
      [
        '[simulated] This is what “lookup order” gave:',
        '- order: 1001',
        '- is paid: yes',
        '- items: product lamp, quantity 2; product bulb',
      ].join('\n'),
    );
  });

  test('of a tool that answers with a list are one line an element', () => {
    expect(told('["oslo","rome"]')).toContain('- oslo\n- rome');
    expect(told('[]')).toContain('nothing');
  });

  test('that are long are cut, and the answer says that there is more', () => {
    expect(told(JSON.stringify(Array.from({ length: 50 }, (_, index) => index)))).toContain('- and 30 more');
    expect(told(JSON.stringify(Array.from({ length: 20 }, () => 'x'.repeat(1_000)))).length).toBeLessThanOrEqual(4_000);
  });

  test('that only look like JSON are shown as they are', () => {
    expect(told('[draft] not JSON')).toBe('[simulated] [draft] not JSON');
  });

  test('of an agent used as a tool carry the mark once', () => {
    expect(told('[simulated] It left today.')).toBe('[simulated] It left today.');
  });

  test('of a failed tool say that it failed', () => {
    const failure = 'An error occurred while running the tool. Please try again.';
    expect(told(failure)).toBe(`[simulated] “lookup order” failed: ${failure}`);
    expect(told('{"error":"no such order"}')).toContain('failed: - error: no such order');
  });

  test('of a tool that nobody approved say that nothing was done', () => {
    expect(told('Tool execution was not approved.', 'refund')).toBe(
      '[simulated] “refund” was not approved, so it was not done.',
    );
  });

  test('of a tool without an answer say that it is done', () => {
    expect(told('', 'send_note')).toBe('[simulated] “send note” is done.');
  });
});

test('a lacking argument is asked for in the words of its description, or with its options', () => {
  const lookup = offer('tool', 'lookup_order', '');
  const missing = [
    { name: 'order_number', description: 'The order number, four digits.' },
    { name: 'unit', options: ['celsius', 'fahrenheit'] },
  ];
  expect(answerText({ type: 'answer', about: 'missing', offer: lookup, missing }, conversation([]), [lookup])).toBe(
    '[simulated] For “lookup order” I need the order number (four digits) and the unit (one of celsius, fahrenheit). Please tell me.',
  );
});

test('an answer without a fit lists the tools and specialists with their descriptions', () => {
  const offers = [
    offer('tool', 'lookup_order', 'Looks up an order.'),
    offer('handoff', 'transfer_to_billing', 'Handoff to the billing agent to handle the request. Invoices.'),
    offer('handoff', 'transfer_to_sales', 'Handoff to the sales agent to handle the request. '),
  ];
  const text = answerText({ type: 'answer', about: 'offers' }, conversation([]), offers);
  expect(text.split('\n').slice(1)).toEqual(['- lookup order: Looks up an order.', '- billing: Invoices.', '- sales']);
});

test('an agent without tools repeats what it was told', () => {
  expect(answerText({ type: 'answer', about: 'offers' }, conversation([], 'Tell me a joke'), [])).toMatch(
    /^\[simulated\] .*“Tell me a joke”$/,
  );
});
