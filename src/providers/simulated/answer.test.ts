import { describe, expect, test } from 'vitest';
import { answerText } from './answer.ts';
import type { Call, Conversation } from './conversation.ts';
import type { Callable } from './decide.ts';

const conversation = (calls: Call[], message = 'Hello'): Conversation => ({
  message,
  earlierMessages: [],
  calls,
  handoffs: [],
  earlierCalls: [],
  isServed: false,
  callIds: new Set(),
});

const answerTo = (output: string, name = 'lookup_order') =>
  answerText({ type: 'answer', about: 'results' }, conversation([{ name, arguments: {}, output }]), []);

const callable = (kind: Callable['kind'], name: string, description: string): Callable => ({
  kind,
  name,
  description,
  parameters: {},
  hints: [],
});

describe('results', () => {
  test('of a tool that returns a sentence are that sentence', () => {
    expect(answerTo('It left today.')).toBe('[simulated] It left today.');
  });

  test('of a tool that returns an object are one line per property, without empty ones', () => {
    const output = {
      order: '1001',
      isPaid: true,
      items: [{ product: 'lamp', quantity: 2 }, { product: 'bulb' }],
      note: null,
    };
    expect(answerTo(JSON.stringify(output))).toBe(
      [
        '[simulated] This is what “lookup order” gave:',
        '- order: 1001',
        '- is paid: yes',
        '- items: product lamp, quantity 2; product bulb',
      ].join('\n'),
    );
  });

  test('of a tool that returns a list are one line per element', () => {
    expect(answerTo('["oslo","rome"]')).toContain('- oslo\n- rome');
    expect(answerTo('[]')).toContain('nothing');
  });

  test('that are long are truncated, and the answer says so', () => {
    expect(answerTo(JSON.stringify(Array.from({ length: 50 }, (_, index) => index)))).toContain('- and 30 more');
    expect(answerTo(JSON.stringify(Array.from({ length: 20 }, () => 'x'.repeat(1_000)))).length).toBeLessThanOrEqual(
      4_000,
    );
  });

  test('that are not valid JSON are shown as they are', () => {
    expect(answerTo('[draft] not JSON')).toBe('[simulated] [draft] not JSON');
  });

  test('of an agent used as a tool have the mark once', () => {
    expect(answerTo('[simulated] It left today.')).toBe('[simulated] It left today.');
  });

  test('of a failed tool say that it failed', () => {
    const failure = 'An error occurred while running the tool. Please try again.';
    expect(answerTo(failure)).toBe(`[simulated] “lookup order” failed: ${failure}`);
    expect(answerTo('{"error":"no such order"}')).toContain('failed: - error: no such order');
  });

  test('of a tool that was not approved say that nothing was done', () => {
    expect(answerTo('Tool execution was not approved.', 'refund')).toBe(
      '[simulated] “refund” was not approved, so it was not done.',
    );
  });

  test('of a tool without output say that it is done', () => {
    expect(answerTo('', 'send_note')).toBe('[simulated] “send note” is done.');
  });
});

test('a missing argument is asked for with its description or its options', () => {
  const lookup = callable('tool', 'lookup_order', '');
  const missing = [
    { name: 'order_number', description: 'The order number, four digits.' },
    { name: 'unit', options: ['celsius', 'fahrenheit'] },
  ];
  expect(answerText({ type: 'answer', about: 'missing', callable: lookup, missing }, conversation([]), [lookup])).toBe(
    '[simulated] For “lookup order” I need the order number (four digits) and the unit (one of celsius, fahrenheit). Please tell me.',
  );
});

test('an answer without a match lists the tools and specialists with their descriptions', () => {
  const callables = [
    callable('tool', 'lookup_order', 'Looks up an order.'),
    callable('handoff', 'transfer_to_billing', 'Handoff to the billing agent to handle the request. Invoices.'),
    callable('handoff', 'transfer_to_sales', 'Handoff to the sales agent to handle the request. '),
  ];
  const text = answerText({ type: 'answer', about: 'callables' }, conversation([]), callables);
  expect(text.split('\n').slice(1)).toEqual(['- lookup order: Looks up an order.', '- billing: Invoices.', '- sales']);
});

test('an agent without tools repeats the message', () => {
  expect(answerText({ type: 'answer', about: 'callables' }, conversation([], 'Tell me a joke'), [])).toMatch(
    /^\[simulated\] .*“Tell me a joke”$/,
  );
});
