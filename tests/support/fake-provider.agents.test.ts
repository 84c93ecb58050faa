import { Agent, type AgentOutputType, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { countCallTokens, countTokens, type FakeProvider, startFakeProvider } from './fake-provider.ts';

setTracingDisabled(true);

let provider: FakeProvider;

beforeAll(async () => {
  provider = await startFakeProvider();
});
beforeEach(() => provider.reset());
afterAll(() => provider[Symbol.asyncDispose]());

const orderText = (orderId: string) => `Order ${orderId} left today.`;
const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Says where an order is.',
  parameters: z.object({ order_id: z.string() }),
  execute: async ({ order_id }) => orderText(order_id),
});
const instructions = 'You help people with orders.';
const orders = new Agent({ name: 'Order desk', instructions, tools: [lookupOrder] });
const triage = new Agent({ name: 'triage', instructions: 'You send people on.', handoffs: [orders] });

const lookup = (orderId: string) => ({ name: 'lookup_order', arguments: { order_id: orderId } });

type Way = { api: 'responses' | 'chat_completions'; streamed: boolean };

/** Makes the function that runs an agent over one of the APIs, and reads its stream to the end where there is one. */
function createRun({ api, streamed }: Way) {
  const createRunner = () => {
    const options = { apiKey: 'sk-test', baseURL: provider.baseUrl, useResponses: api === 'responses' };
    return new Runner({ modelProvider: new OpenAIProvider(options), model: 'gpt-4.1' });
  };
  return async <Output extends AgentOutputType>(agent: Agent<unknown, Output>, message: string) => {
    if (!streamed) return createRunner().run(agent, message);
    const result = await createRunner().run(agent, message, { stream: true });
    for await (const _event of result);
    await result.completed;
    return result;
  };
}

describe.each<Way>([
  { api: 'responses', streamed: false },
  { api: 'responses', streamed: true },
  { api: 'chat_completions', streamed: false },
  { api: 'chat_completions', streamed: true },
])('a run of the Agents SDK over $api, streamed: $streamed,', ({ api, streamed }) => {
  const run = createRun({ api, streamed });

  test('answers with the text', async () => {
    await provider.script('It left today.');
    const result = await run(orders, 'Where is my order?');
    expect(result.finalOutput).toBe('It left today.');
    expect(result.rawResponses[0]?.requestId).toMatch(/^req_/);
    expect((await provider.requests())[0]).toMatchObject({ streamed, path: expect.stringContaining(api.slice(0, 4)) });
  });

  test('calls a tool and answers with its result; usage is the sum that the texts give', async () => {
    await provider.script({ turns: [{ toolCalls: [lookup('1001')] }, 'It left today.'] });
    const message = 'Where is my order?';
    const result = await run(orders, message);
    expect(result.finalOutput).toBe('It left today.');
    const callTokens = countCallTokens('{"order_id":"1001"}');
    const firstInput = countTokens(instructions) + countTokens(message);
    const secondInput = firstInput + callTokens + countTokens(orderText('1001'));
    expect(result.runContext.usage).toMatchObject({
      requests: 2,
      inputTokens: firstInput + secondInput,
      outputTokens: callTokens + 3,
    });
  });

  test('calls several tools in parallel', async () => {
    const message =
      '[[text One moment.]]+[[tool lookup_order {"order_id":"1"}]]+[[tool lookup_order {"order_id":"2"}]]';
    const result = await run(orders, message);
    expect(result.finalOutput).toBe('The tool answered: Order 1 left today.\nOrder 2 left today.');
    expect((await provider.stats()).requests).toBe(2);
  });

  test('carries out one directive a turn, over a handoff and a tool', async () => {
    const message = '[[handoff Order desk]] [[tool lookup_order {"order_id":"7"}]] [[text Done.]]';
    const result = await run(triage, message);
    expect(result.finalOutput).toBe('Done.');
    expect(result.lastAgent?.name).toBe('Order desk');
    const called = (await provider.requests()).map(({ body }) => JSON.stringify(body).includes(instructions));
    expect(called).toEqual([false, true, true]);
  });

  test('answers with the output that the agent promises, scripted or made from its schema', async () => {
    const outputType = z.object({
      kind: z.enum(['refund', 'other']),
      amount: z.number().nullable(),
      tags: z.array(z.string()),
    });
    const sorter = new Agent({ name: 'sorter', instructions, outputType });
    await provider.script({ json: { kind: 'other', amount: 3, tags: ['a'] } });
    expect((await run(sorter, 'Sort this.')).finalOutput).toEqual({ kind: 'other', amount: 3, tags: ['a'] });
    expect((await run(sorter, 'Sort this.')).finalOutput).toEqual({ kind: 'refund', amount: 0, tags: [] });
  });

  test('feeds broken arguments back to the model', async () => {
    await provider.script({ turns: [{ toolCalls: [{ name: 'lookup_order', arguments: '{"order' }] }, 'Sorry.'] });
    expect((await run(orders, 'Where?')).finalOutput).toBe('Sorry.');
  });

  test('fails with the error of the provider', async () => {
    await provider.script({ error: { status: 400 } });
    await expect(run(orders, 'Where?')).rejects.toMatchObject({ status: 400 });
  });

  test('fails when the model refuses', async () => {
    await provider.script({ refusal: 'I will not.' });
    await expect(run(orders, 'Where?')).rejects.toMatchObject({ name: 'ModelRefusalError' });
  });

  test('rules tell agents and turns apart', async () => {
    await provider.script(
      { when: { agentInstructionsContain: 'send people on' }, reply: { handoffTo: 'Order desk' } },
      { when: { agentInstructionsContain: 'orders', turn: 2 }, reply: { toolCalls: [lookup('5')] } },
      { when: { lastToolOutputContains: 'Order 5' }, reply: 'It is order 5.' },
    );
    expect((await run(triage, 'Where?')).finalOutput).toBe('It is order 5.');
  });
});

describe('a run over the Responses API fails', () => {
  test.each([false, true])('when the response failed (streamed: %s)', async (streamed) => {
    await provider.script({ text: 'a b', fault: { kind: 'failure', afterTokens: 1 } });
    await expect(createRun({ api: 'responses', streamed })(orders, 'Where?')).rejects.toThrow(/failed/);
  });

  test('when the stream ends before the response does', async () => {
    await provider.script({ text: 'a b', fault: { kind: 'truncate', afterTokens: 1 } });
    const running = createRun({ api: 'responses', streamed: true })(orders, 'Where?');
    await expect(running).rejects.toThrow('Model did not produce a final response!');
  });
});
