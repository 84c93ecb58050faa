import type { ModelRequest } from '@openai/agents';
import { expect, test } from 'vitest';
import { readConversation } from './conversation.ts';

type Item = Exclude<ModelRequest['input'], string>[number];

const user = (content: string): Item => ({ role: 'user', content });
const call = (callId: string, name: string, args = '{}'): Item => ({
  type: 'function_call',
  callId,
  name,
  arguments: args,
});
const result = (callId: string, name: string, text: string): Item => ({
  type: 'function_call_result',
  callId,
  name,
  status: 'completed',
  output: { type: 'text', text },
});

const read = (input: ModelRequest['input']) => readConversation({ input, handoffs: [] });

test('a plain string is the message', () => {
  expect(read('Hello')).toMatchObject({ message: 'Hello', earlierMessages: [], calls: [], handoffs: [] });
});

test('calls and handoffs are distinguished, and those of earlier messages are separate', () => {
  const conversation = read([
    user('Where is order 1001?'),
    call('a', 'lookup_order', '{"order_number":"1001"}'),
    result('a', 'lookup_order', 'shipped'),
    user('And the invoice?'),
    call('b', 'transfer_to_billing'),
    result('b', 'transfer_to_billing', '{"assistant":"billing"}'),
    call('c', 'list_invoices', '{"order_number":"1001"}'),
    result('c', 'list_invoices', '{"total":"9 EUR"}'),
  ]);
  expect(conversation).toMatchObject({
    message: 'And the invoice?',
    earlierMessages: ['Where is order 1001?'],
    calls: [{ name: 'list_invoices', arguments: { order_number: '1001' }, output: '{"total":"9 EUR"}' }],
    handoffs: ['transfer_to_billing'],
    earlierCalls: [{ name: 'lookup_order', output: 'shipped' }],
    isServed: true,
  });
  expect([...conversation.callIds]).toEqual(['a', 'b', 'c']);
});

test('a result without its call counts as a call, as with a history at the provider', () => {
  expect(read([result('a', 'lookup_order', 'shipped')])).toMatchObject({
    message: '',
    calls: [{ name: 'lookup_order', output: 'shipped' }],
  });
});

test('texts are extracted from the parts of messages and results, and other parts are named', () => {
  const image: Item = {
    role: 'user',
    content: [
      { type: 'input_text', text: 'See' },
      { type: 'input_image', image: 'x' },
    ],
  };
  const parts: Item = {
    type: 'function_call_result',
    callId: 'a',
    name: 'draw',
    status: 'completed',
    output: [
      { type: 'input_text', text: 'Here' },
      { type: 'input_image', image: 'x' },
    ],
  };
  const conversation = read([image, parts]);
  expect(conversation.message.trim()).toBe('See');
  expect(conversation.calls[0]?.output).toBe('Here\n(image)');
});
