/** What a server expects back with the conversation comes back, although the SDK has no place for it. */
import { type AgentInputItem, type ModelResponse, setTracingDisabled, withTrace } from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  chatAnswer,
  chatChunk,
  chatDone,
  chatStream,
  messageItem,
  responseAnswer,
} from '../../../tests/support/model-answers.ts';
import { requestOf } from '../../../tests/support/model-calls.ts';
import { json, type ScriptedServer, startScriptedServer, stream } from '../../../tests/support/scripted-server.ts';
import type { ModelApi } from './connection.ts';
import { createModelClient } from './model-client.ts';

setTracingDisabled(true);

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server[Symbol.asyncDispose]());

type Way = { transport: 'auto' | 'openai'; streamed: boolean; api?: ModelApi };

/** The items of an answer to a conversation. As in the service, each call has a signal, and items are stored as JSON. */
async function ask(input: AgentInputItem[], { transport, streamed, api = 'chat_completions' }: Way) {
  const client = createModelClient({ baseUrl: server.baseUrl, apiKey: 'sk-1', api, transport });
  const model = await client.getModel('m');
  const request = requestOf({ input, signal: new AbortController().signal });
  let output: ModelResponse['output'] = [];
  if (streamed) {
    for await (const event of model.getStreamedResponse(request)) {
      if (event.type === 'response_done') output = event.response.output as ModelResponse['output'];
    }
  } else ({ output } = await withTrace('t', () => model.getResponse(request)));
  await client.stop(AbortSignal.abort());
  return JSON.parse(JSON.stringify(output)) as AgentInputItem[];
}

type Message = Record<string, unknown> & { tool_calls?: Record<string, unknown>[] };

/** The message of the assistant in the request after an answer: with the result of the tool if it has calls. */
async function sentBack(message: Record<string, unknown>, way: Way): Promise<Message> {
  const reason = message.tool_calls === undefined ? 'stop' : 'tool_calls';
  const chunks = chatChunk(message) + chatChunk({}, reason) + chatDone;
  server.respond = way.streamed ? stream(chunks) : json(chatAnswer(message, reason));
  const hi = { role: 'user', content: 'hi' } as const;
  const items = await ask([hi], way);
  const results = items.flatMap((item) =>
    item.type === 'function_call'
      ? [
          {
            type: 'function_call_result',
            callId: item.callId,
            name: item.name,
            status: 'completed',
            output: 'r',
          } as const,
        ]
      : [],
  );
  server.respond = way.streamed ? stream(chatStream('x')) : json(chatAnswer({ content: 'x' }));
  await ask([hi, ...items, ...results, hi], way);
  const { messages } = JSON.parse(server.asked.at(-1)?.body ?? '') as { messages: Message[] };
  return messages.find(({ role }) => role === 'assistant') as Message;
}

const calls = [{ index: 0, id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }];
const ways: Way[] = (['auto', 'openai'] as const).flatMap((transport) =>
  [true, false].map((streamed) => ({ transport, streamed })),
);

describe.each(ways)('a server is sent, by MODEL_TRANSPORT=$transport, streamed: $streamed,', (way) => {
  test('its reasoning_content with tool calls, and no other field for it', async () => {
    const message = await sentBack({ content: null, reasoning_content: 'hm', tool_calls: calls }, way);
    expect(message).toMatchObject({ reasoning_content: 'hm' });
    expect(message).not.toHaveProperty('reasoning');
    expect(message.tool_calls).toHaveLength(1);
    expect(message.tool_calls?.[0]).not.toHaveProperty('reasoning_content');
    expect(message.tool_calls?.[0]).not.toHaveProperty('reasoning');
  });

  test('no reasoning_content without tool calls', async () => {
    const message = await sentBack({ content: 'Hello', reasoning_content: 'hm' }, way);
    expect(message).not.toHaveProperty('reasoning');
    expect(message).not.toHaveProperty('reasoning_content');
  });

  test('no field for thoughts that came as parts', async () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'Hello' },
    ];
    expect(await sentBack({ content: parts }, way)).not.toHaveProperty('reasoning');
    expect(await sentBack({ content: parts, tool_calls: calls }, way)).not.toHaveProperty('reasoning');
  });

  test('its reasoning in that field, as by the SDK', async () => {
    const message = await sentBack({ content: null, reasoning: 'hm', tool_calls: calls }, way);
    expect(message).toMatchObject({ reasoning: 'hm' });
  });

  test('the signature of a thought with the call that it belongs to', async () => {
    const extra = { google: { thought_signature: 'sig' } };
    const [call] = calls;
    const second = { ...call, index: 1, id: 'c2', extra_content: extra };
    const message = await sentBack({ content: null, tool_calls: [call, second] }, way);
    expect(message.tool_calls?.map(({ id, extra_content }) => [id, extra_content])).toEqual([
      ['c1', undefined],
      ['c2', extra],
    ]);
  });

  test('none of these fields if the conversation goes on with Responses', async () => {
    const message = { content: null, reasoning_content: 'hm', tool_calls: [{ ...calls[0], extra_content: { a: 1 } }] };
    server.respond = json(chatAnswer(message, 'tool_calls'));
    const items = await ask([{ role: 'user', content: 'hi' }], { ...way, streamed: false });
    server.respond = json(responseAnswer([messageItem('x')]));
    const rest = items.filter(({ type }) => type !== 'reasoning');
    await ask([{ role: 'user', content: 'hi' }, ...rest], { ...way, streamed: false, api: 'responses' });
    const { input } = JSON.parse(server.asked.at(-1)?.body ?? '') as { input: Record<string, unknown>[] };
    const call = input.find(({ type }) => type === 'function_call');
    expect(call).toMatchObject({ call_id: 'c1' });
    for (const name of ['reasoning', 'reasoning_content', 'extra_content']) expect(call).not.toHaveProperty(name);
  });
});
