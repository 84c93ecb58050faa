import { Agent, type AgentInputItem, type ModelResponse, Runner, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createStubModel } from '../../../../tests/support/stub-model.ts';
import { type ContentAskedFor, settleOutput } from './answer-content.ts';

type Output = ModelResponse['output'];

const user = { role: 'user', content: 'Hi' } as const;
const asking: ContentAskedFor = { input: [user], tools: [], outputType: 'text' };
const following = (...items: object[]): ContentAskedFor => ({ ...asking, input: [user, ...items] as AgentInputItem[] });
const toolResult = { type: 'function_call_result', callId: 'c1', name: 'look', status: 'completed', output: 'ok' };
const structured = { ...asking, outputType: { type: 'json_schema' } } as unknown as ContentAskedFor;

const message = (...content: object[]) => ({ type: 'message', role: 'assistant', status: 'completed', content });
const text = (value: string) => ({ type: 'output_text', text: value });
const refusal = { type: 'refusal', refusal: 'No.' };
const audio = { type: 'audio', audio: 'UklGRg==', providerData: { id: 'a', transcript: 'Hello' } };
const call = { type: 'function_call', callId: 'c1', name: 'look', arguments: '{}', status: 'completed' };
const reasoning = { type: 'reasoning', content: [{ type: 'input_text', text: 'hm' }] };
const hosted = (name: string, fields: object = {}) => ({
  type: 'hosted_tool_call',
  name,
  status: 'completed',
  ...fields,
});
const search = hosted('web_search_call', { id: 'ws_1' });
const image = hosted('image_generation_call', { output: 'iVBORw0KGgo=' });

const settle = (output: object[], request: ContentAskedFor = asking, hasEmptyText = false): object[] | 'empty' => {
  try {
    return settleOutput(output as Output, request, hasEmptyText);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ProviderFault', kind: 'empty_answer' });
    return 'empty';
  }
};
const emptyMessage = message(text(''));

describe('an answer that ends the turn, or calls a tool, is as it is', () => {
  test.each<[string, object[]]>([
    ['text', [message(text('Hello'))]],
    ['blanks', [message(text(' \n'))]],
    ['a refusal', [message(refusal)]],
    ['text after reasoning', [reasoning, message(text('Hello'))]],
    ['text before a hosted tool', [message(text('Hello')), search]],
    ['a tool call', [call]],
    ['a tool call beside an empty message', [message(), call]],
    ['a request for an approval', [hosted('mcp_approval_request', { providerData: { type: 'mcp_approval_request' } })]],
    ['a computer call', [{ type: 'computer_call', callId: 'c1', action: { type: 'wait' } }]],
  ])('%s', (_, output) => {
    expect(settle(output)).toEqual(output);
  });
});

describe('an answer without content is a fault', () => {
  test.each<[string, object[]]>([
    ['nothing', []],
    ['an empty text', [emptyMessage]],
    ['a message without parts', [message()]],
    ['reasoning alone', [reasoning]],
    ['reasoning and an empty text', [reasoning, emptyMessage]],
    ['an empty refusal', [message({ type: 'refusal', refusal: '' })]],
    ['a message of the user', [{ ...message(text('Hello')), role: 'user' }]],
  ])('%s', (_, output) => {
    expect(settle(output)).toBe('empty');
  });

  test('also right after a tool, unless the text came and is empty', () => {
    expect(settle([], following(toolResult))).toBe('empty');
    expect(settle([reasoning], following(toolResult))).toBe('empty');
    expect(settle([emptyMessage], following(toolResult, { role: 'user', content: 'And?' }))).toBe('empty');
  });

  test('where a structured output is asked for, an empty text is none', () => {
    expect(settle([emptyMessage], { ...structured, input: following(toolResult).input })).toBe('empty');
    expect(settle([image], structured)).toEqual([image]);
    expect(settle([message(text('{}'))], structured)).toEqual([message(text('{}'))]);
  });
});

describe('an empty text right after a tool is an empty answer', () => {
  test('in one piece as it is, in a stream with the message that the SDK leaves out', () => {
    expect(settle([emptyMessage], following(toolResult))).toEqual([emptyMessage]);
    expect(settle([], following(toolResult), true)).toEqual([emptyMessage]);
    expect(settle([reasoning], following(toolResult), true)).toEqual([reasoning, emptyMessage]);
  });
});

describe('what hides an answer from the SDK is left out', () => {
  test('an empty message after the text', () => {
    const said = message(text('Hello'));
    expect(settle([said, message()])).toEqual([said]);
    expect(settle([said, emptyMessage])).toEqual([said]);
  });

  test('an empty text beside a refusal', () => {
    expect(settle([message(text(''), refusal)])).toEqual([message(refusal)]);
  });

  test('audio alone has its transcript as text', () => {
    expect(settle([message(audio)])).toEqual([message(audio, text('Hello'))]);
    expect(settle([message({ type: 'audio', audio: 'x' })])).toEqual([
      message({ type: 'audio', audio: 'x' }, text('')),
    ]);
  });
});

describe('calls of hosted tools alone', () => {
  test('an image is an answer', () => {
    expect(settle([image])).toEqual([image, emptyMessage]);
  });

  test.each<[string, object[]]>([
    ['a search', [search]],
    ['a list of tools', [hosted('mcp_list_tools')]],
    ['a compaction', [{ type: 'compaction', encrypted_content: 'x' }]],
    ['a search after reasoning', [reasoning, search]],
  ])('%s: the model is asked once more with it, and not again', (_, output) => {
    expect(settle(output)).toEqual(output);
    expect(settle(output, following(toolResult))).toEqual(output);
    expect(settle(output, following(...output))).toBe('empty');
    expect(settle(output, { ...asking, input: [] })).toBe('empty'); // the provider keeps the conversation
  });

  test('an item that nobody knows is none, since the SDK does not send it back', () => {
    expect(settle([{ type: 'unknown', providerData: { type: 'sparkle' } }])).toBe('empty');
  });

  test('a shell of the provider', () => {
    const shell = { type: 'shell', name: 'shell', environment: { type: 'container_auto' } };
    const request = (...items: object[]) => ({ ...following(...items), tools: [shell] as never });
    const output = [
      { type: 'shell_call', callId: 'c1' },
      { type: 'shell_call_output', callId: 'c1', output: [] },
    ];
    expect(settle(output, request())).toEqual(output);
    expect(settle(output, request(...output))).toBe('empty');
  });
});

const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => 'ok' });
const outputs: [string, object[]][] = [
  ['nothing', []],
  ['an empty message', [message()]],
  ['an empty text', [emptyMessage]],
  ['text and an empty message', [message(text('Hello')), message()]],
  ['reasoning', [reasoning]],
  ['audio', [message(audio)]],
  ['an image', [image]],
  ['a compaction', [{ type: 'compaction', encrypted_content: 'x' }]],
  ['a refusal that an empty text hides', [message(text(''), refusal)]],
];

test.each(outputs)(
  "the SDK's loop asks at most twice for the same output, however often it comes: %s",
  async (_, output) => {
    for (const outputType of [undefined, z.object({ a: z.string() })]) {
      const stub = createStubModel(() => output.map((item) => ({ item })));
      const model = {
        ...stub.model,
        getResponse: async (request: Parameters<typeof stub.model.getResponse>[0]) => {
          const response = await stub.model.getResponse(request);
          return { ...response, output: settleOutput(response.output, request, false) };
        },
      };
      const tools = [
        look,
        { type: 'hosted_tool' as const, name: 'image_generation', providerData: { type: 'image_generation' } },
      ];
      const agent = new Agent({ name: 'A', model, tools, ...(outputType ? { outputType } : {}) });
      await new Runner({ tracingDisabled: true })
        .run(agent as unknown as Agent, 'Hi', { maxTurns: 10 })
        .catch(() => {});
      expect(stub.calls()).toBeLessThanOrEqual(2);
    }
  },
);
