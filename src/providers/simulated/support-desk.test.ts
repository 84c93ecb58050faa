/** The example's agents on the SDK's own Runner, answered by the simulated model. */
import { type AgentInputItem, type RunItem, Runner } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { triage } from '../../../examples/support-desk/agents/triage.ts';
import { createSimulatedModelProvider } from './index.ts';

const runner = new Runner({ modelProvider: createSimulatedModelProvider({ wordDelayMs: 0 }), tracingDisabled: true });

const user = (content: string): AgentInputItem => ({ role: 'user', content });

const callsIn = (items: RunItem[]) =>
  items.flatMap(({ type, rawItem }) =>
    type !== 'tool_approval_item' && rawItem?.type === 'function_call' ? [`${rawItem.name} ${rawItem.arguments}`] : [],
  );

describe('a customer of the support desk', () => {
  test.each([
    ['Where is my order 1001?', 'transfer_to_orders', 'lookup_order', '1001', /status: shipped/],
    ['When will the parcel of order 1004 arrive?', 'transfer_to_orders', 'track_shipment', '1004', /2026-03-09/],
    ['Show me the invoices for order 1003', 'transfer_to_billing', 'list_invoices', '1003', /179\.40 EUR/],
    ['Why was I charged twice for order 1004?', 'transfer_to_billing', 'explain_charge', '1004', /39\.00 EUR by card/],
    ['Cancel order 1001', 'transfer_to_orders', 'cancel_order', '1001', /shipped; it can be refunded/],
    ['Where is order 9999?', 'transfer_to_orders', 'lookup_order', '9999', /There is no order 9999\./],
  ])('who asks "%s" comes to %s and %s', async (message, handoff, tool, orderNumber, answer) => {
    const result = await runner.run(triage, message);
    expect(callsIn(result.newItems)).toEqual([`${handoff} {}`, `${tool} {"order_number":"${orderNumber}"}`]);
    expect(result.finalOutput).toMatch(/^\[simulated\] /);
    expect(result.finalOutput).toMatch(answer);
  });

  test('who asks for a refund has it wait for a person, with the reason given', async () => {
    const result = await runner.run(triage, 'please refund order 1002, it arrived broken');
    expect(result.interruptions.map(({ name, arguments: args }) => `${name} ${args}`)).toEqual([
      'refund {"order_number":"1002","reason":"it arrived broken"}',
    ]);
  });

  test('whose refund is approved hears the amount', async () => {
    const { state, interruptions } = await runner.run(triage, 'please refund order 1002, it arrived broken');
    for (const interruption of interruptions) state.approve(interruption);
    const result = await runner.run(triage, state);
    expect(result.finalOutput).toMatch(/^\[simulated\] .*\n- order: 1002\n.*\n- amount: 51\.90 EUR/);
  });

  test('whose refund is rejected hears that it was not done', async () => {
    const { state, interruptions } = await runner.run(triage, 'please refund order 1007, the clock is late');
    for (const interruption of interruptions) state.reject(interruption);
    const result = await runner.run(triage, state);
    expect(result.finalOutput).toBe('[simulated] “refund” was not approved, so it was not done.');
  });

  test('who says hello hears what the desk can do', async () => {
    const result = await runner.run(triage, 'hello');
    expect(callsIn(result.newItems)).toEqual([]);
    expect(result.finalOutput).toMatch(/- orders: Orders and their delivery.*\n- billing: Money/);
  });

  test('who gives no order number is asked for it, and may reply with nothing else', async () => {
    const first = await runner.run(triage, 'Where is my order?');
    expect(first.finalOutput).toContain('the order number (four digits, such as 1001)');
    const second = await runner.run(triage, [...first.history, user('1001')]);
    expect(second.finalOutput).toContain('status: shipped');
  });

  test('who goes on asking need not repeat the order number, and may change the subject', async () => {
    const first = await runner.run(triage, 'Where is my order 1001?');
    const second = await runner.run(triage, [...first.history, user('and when does it arrive?')]);
    expect(callsIn(second.newItems)).toEqual(['transfer_to_orders {}', 'track_shipment {"order_number":"1001"}']);
    const third = await runner.run(triage, [...second.history, user('why was I charged so much for it?')]);
    expect(callsIn(third.newItems)).toEqual(['transfer_to_billing {}', 'explain_charge {"order_number":"1001"}']);
    const fourth = await runner.run(triage, [...third.history, user('ok')]);
    expect(callsIn(fourth.newItems)).toEqual([]);
  });

  test('who asks the same question twice in a conversation is answered twice, each call with an id of its own', async () => {
    const first = await runner.run(triage, 'Where is my order 1001?');
    const second = await runner.run(triage, [...first.history, user('Where is my order 1001?')]);
    const ids = second.history.flatMap((item) => (item.type === 'function_call' ? [item.callId] : []));
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(4);
    expect(second.finalOutput).toBe(first.finalOutput);
  });
});

test('the same message gives the same items, words and usage, streamed or not', async () => {
  const plain = await runner.run(triage, 'Where is my order 1001?');
  const again = await runner.run(triage, 'Where is my order 1001?');
  const streamed = await runner.run(triage, 'Where is my order 1001?', { stream: true });
  await streamed.completed;
  for (const other of [again, streamed]) {
    expect(other.history).toEqual(plain.history);
    expect({ ...other.state.usage }).toEqual({ ...plain.state.usage });
  }
});

test('a streamed run shows the handoff, the tool and the answer in words', async () => {
  const streamed = await runner.run(triage, 'Where is my order 1001?', { stream: true });
  const names: string[] = [];
  let text = '';
  for await (const event of streamed) {
    if (event.type === 'run_item_stream_event') names.push(event.name);
    if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') text += event.data.delta;
  }
  expect(names).toEqual([
    'handoff_requested',
    'handoff_occurred',
    'tool_called',
    'tool_output',
    'message_output_created',
  ]);
  expect(text).toBe(streamed.finalOutput);
  expect(streamed.lastAgent?.name).toBe('orders');
});

test('a streamed run that is aborted half way has no answer', async () => {
  const abort = new AbortController();
  const streamed = await runner.run(triage, 'hello', { stream: true, signal: abort.signal });
  let deltas = 0;
  const reading = async () => {
    for await (const event of streamed) {
      if (event.type !== 'raw_model_stream_event' || event.data.type !== 'output_text_delta') continue;
      deltas++;
      abort.abort(new Error('The caller left.'));
    }
    await streamed.completed;
  };
  await reading().catch(() => {}); // the SDK ends the stream quietly or rejects, depending on where it was
  expect(deltas).toBeGreaterThan(0);
  expect(streamed.state._currentStep?.type).not.toBe('next_step_final_output');
});
