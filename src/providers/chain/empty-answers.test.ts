import { Agent, type ModelResponse, Runner, tool, Usage, withTrace } from '@openai/agents';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createChainBench, providerAt } from '../../../tests/support/chain-bench.ts';
import {
  callItem,
  chatAnswer,
  chatChunk,
  chatDone,
  chatToolCall,
  messageItem,
  responseAnswer,
  responseBegun,
  responseCompleted,
} from '../../../tests/support/model-answers.ts';
import {
  json,
  type Respond,
  type ScriptedServer,
  startScriptedServer,
  stream,
} from '../../../tests/support/scripted-server.ts';
import { createStubModel, itemsOf } from '../../../tests/support/stub-model.ts';
import { isEndUnstated } from '../model-call.ts';

type Api = 'chat_completions' | 'responses';
type Mode = { api: Api; streamed: boolean };
type Body = { stream?: boolean; messages?: { role: string }[]; input?: { type?: string }[] };

const modes: Mode[] = (['chat_completions', 'responses'] as const).flatMap((api) => [
  { api, streamed: true },
  { api, streamed: false },
]);

let first: ScriptedServer;
let second: ScriptedServer;
beforeAll(async () => {
  [first, second] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
beforeEach(() => {
  first.asked.length = 0;
  second.asked.length = 0;
});
afterAll(() => Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]));

/** The answers of a server over both APIs, streamed and not. */
type Answers = Record<Api, { streamed: string; whole: object }>;

const chatOf = (delta: object, message: object, finish = 'stop') => ({
  streamed: chatChunk(delta as never) + chatChunk({}, finish) + chatDone,
  whole: chatAnswer(message as never, finish),
});
const responseOf = (...output: object[]) => ({
  streamed: responseBegun + responseCompleted(output as never[]),
  whole: responseAnswer(output as never[]),
});
const said: Answers = {
  chat_completions: chatOf({ content: 'Hello' }, { content: 'Hello' }),
  responses: responseOf(messageItem('Hello')),
};
const called: Answers = {
  chat_completions: chatOf(
    { tool_calls: [{ index: 0, ...chatToolCall('c1', 'look', '{}') }] },
    { content: null, tool_calls: [chatToolCall('c1', 'look', '{}')] },
    'tool_calls',
  ),
  responses: responseOf(callItem('c1', 'look', '{}')),
};
const emptyText: Answers = {
  chat_completions: chatOf({ role: 'assistant', content: '' }, { content: '' }),
  responses: responseOf(messageItem('')),
};
const nothing: Answers = {
  chat_completions: chatOf({ role: 'assistant', content: null }, { content: null }),
  responses: responseOf(),
};
const reasoning: Answers = {
  chat_completions: chatOf({ reasoning: 'hm' }, { content: null, reasoning: 'hm' }),
  responses: responseOf({ id: 'rs_1', type: 'reasoning', summary: [] }),
};

const lastBody = ({ asked }: ScriptedServer): Body => JSON.parse(asked.at(-1)?.body ?? '{}') as Body;

/** Answers each request with what a function chooses by its body. */
function answering(server: ScriptedServer, { api }: Mode, choose: (body: Body) => Answers | object): void {
  server.respond = (response) => {
    const body = lastBody(server);
    const answers = choose(body) as Answers;
    const { streamed, whole } = answers[api];
    const respond: Respond = body.stream === true ? stream(streamed) : json(whole);
    respond(response);
  };
}

const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => 'ok' });
const image = { type: 'hosted_tool', name: 'image_generation', providerData: { type: 'image_generation' } } as const;
const search = { type: 'hosted_tool', name: 'web_search', providerData: { type: 'web_search' } } as const;

const providersOf = (api: Api, alone: boolean) =>
  [providerAt('first', first.baseUrl, { api }), providerAt('second', second.baseUrl, { api })].slice(0, alone ? 1 : 2);

/** The final output of a run of the SDK's own Runner over the chain; or the code of its error. */
async function runOver({ api, streamed }: Mode, alone = true): Promise<unknown> {
  const { chain } = createChainBench({ providers: providersOf(api, alone) });
  const tools = api === 'responses' ? [look, image, search] : [look];
  const agent = new Agent({ name: 'A', instructions: 'x', tools });
  const runner = new Runner({ modelProvider: chain.provider, tracingDisabled: true });
  try {
    if (!streamed) return (await runner.run(agent, 'Hi', { maxTurns: 10 })).finalOutput;
    const result = await runner.run(agent, 'Hi', { maxTurns: 10, stream: true });
    for await (const _ of result);
    await result.completed;
    return result.finalOutput;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
}

const hasToolResult = ({ messages, input }: Body): boolean =>
  messages?.at(-1)?.role === 'tool' || input?.at(-1)?.type === 'function_call_output';

describe.each(modes)('over $api, streamed: $streamed', (mode) => {
  test.each([
    ['an empty text', emptyText],
    ['nothing', nothing],
    ['reasoning alone', reasoning],
  ])('%s is asked for twice, then the run fails as empty_answer', async (_, answers) => {
    answering(first, mode, () => answers);
    expect(await runOver(mode)).toBe('empty_answer');
    expect(first.asked).toHaveLength(2);
  });

  test('an empty answer is asked for twice, then the other provider answers', async () => {
    answering(first, mode, () => nothing);
    answering(second, mode, () => said);
    expect(await runOver(mode, false)).toBe('Hello');
    expect([first.asked.length, second.asked.length]).toEqual([2, 1]);
  });

  test('an empty text right after a tool completes the run with an empty answer', async () => {
    answering(first, mode, (body) => (hasToolResult(body) ? emptyText : called));
    expect(await runOver(mode)).toBe('');
    expect(first.asked).toHaveLength(2);
  });

  test('no text right after a tool is asked for once more, then the run fails', async () => {
    answering(first, mode, (body) => (hasToolResult(body) ? reasoning : called));
    expect(await runOver(mode)).toBe('empty_answer');
    expect(first.asked).toHaveLength(3);
  });

  test('half an answer is none, whatever it is called', async () => {
    const half = {
      chat_completions: chatOf({ content: 'Half' }, { content: 'Half' }, 'abort'),
      responses: said.responses,
    };
    half.responses = {
      streamed: responseBegun + responseCompleted([]).replace('"status":"completed"', '"status":"cancelled"'),
      whole: responseAnswer([messageItem('Half')], { status: 'cancelled' }),
    };
    answering(first, mode, () => half);
    answering(second, mode, () => said);
    expect(await runOver(mode, false)).toBe('Hello');
    expect([first.asked.length, second.asked.length]).toEqual([1, 1]);
  });
});

describe.each([true, false])('hosted tools over Responses, streamed: %s', (streamed) => {
  const mode: Mode = { api: 'responses', streamed };
  const hosted = (type: string, fields: object = {}) => ({
    ...said,
    responses: responseOf({ id: `${type}_1`, type, status: 'completed', ...fields }),
  });

  test('an image alone is an answer', async () => {
    answering(first, mode, () => hosted('image_generation_call', { result: 'iVBORw0KGgo=' }));
    expect(await runOver(mode)).toBe('');
    expect(first.asked).toHaveLength(1);
  });

  test('a search alone is asked on once, and an answer after it completes the run', async () => {
    answering(first, mode, (body) =>
      body.input?.at(-1)?.type === 'web_search_call' ? said : hosted('web_search_call', { action: { type: 'search' } }),
    );
    expect(await runOver(mode)).toBe('Hello');
    expect(first.asked).toHaveLength(2);
  });

  test('a search alone, again and again, fails the run after the second request', async () => {
    answering(first, mode, () => hosted('web_search_call', { action: { type: 'search' } }));
    expect(await runOver(mode)).toBe('empty_answer');
    expect(first.asked).toHaveLength(2);
  });
});

describe.each([true, false])('a server that says completed of a cut answer, streamed: %s', (streamed) => {
  const ask = async (outputTokens: number, maxTokens: number) => {
    const mode: Mode = { api: 'responses', streamed };
    const usage = { input_tokens: 3, output_tokens: outputTokens, total_tokens: 3 + outputTokens };
    const whole = responseAnswer([messageItem('Half')], { usage });
    const end = `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response: whole })}\n\n`;
    answering(first, mode, () => ({ ...said, responses: { streamed: responseBegun + end, whole } }));
    const { chain } = createChainBench({ providers: providersOf('responses', true) });
    const agent = new Agent({ name: 'A', modelSettings: { maxTokens } });
    const runner = new Runner({ modelProvider: chain.provider, tracingDisabled: true });
    if (!streamed) return (await runner.run(agent, 'Hi')).finalOutput;
    const result = await runner.run(agent, 'Hi', { stream: true });
    for await (const _ of result);
    await result.completed;
    return result.finalOutput;
  };

  test('is found out by the limit of the request', async () => {
    await expect(ask(10, 10)).rejects.toMatchObject({ code: 'output_limit_reached' });
    expect(first.asked).toHaveLength(1);
    expect(await ask(9, 10)).toBe('Half');
  });
});

describe('an answer in one piece whose end is not stated', () => {
  const answer = async (api: Api, whole: object) => {
    first.respond = json(whole);
    const { chain, request } = createChainBench({ providers: providersOf(api, true) });
    const model = await chain.provider.getModel('gpt-4.1');
    return withTrace('a test', () => model.getResponse(request('Hi'))); // the SDK's models require a trace
  };
  const unstated = {
    ...chatAnswer({ content: 'Hello' }),
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' } }],
  };
  const { status: _, ...response } = responseAnswer([messageItem('Hello')]);

  test('is whole, and marked', async () => {
    expect(isEndUnstated(await answer('chat_completions', unstated))).toBe(true);
    expect(isEndUnstated(await answer('responses', response))).toBe(true);
    expect(isEndUnstated(await answer('chat_completions', said.chat_completions.whole))).toBe(false);
    expect(isEndUnstated(await answer('responses', said.responses.whole))).toBe(false);
  });
});

describe("a model of the application's own", () => {
  const guardOf = (reply: Parameters<typeof createStubModel>[0]) => {
    const stub = createStubModel(reply);
    const { chain, request } = createChainBench({ providers: [] });
    return { stub, model: chain.guard(stub.model, 'Own'), request };
  };
  const toolResult = { type: 'function_call_result', callId: 'c1', name: 'look', status: 'completed', output: 'ok' };

  test('that gives an empty answer is asked once, since it may try again itself', async () => {
    const { stub, model, request } = guardOf(() => []);
    await expect(model.getResponse(request('Hi'))).rejects.toMatchObject({ code: 'empty_answer' });
    const read = async () => {
      for await (const _ of model.getStreamedResponse(request('Hi')));
    };
    await expect(read()).rejects.toMatchObject({ code: 'empty_answer' });
    expect(stub.calls()).toBe(2);
  });

  test('may have nothing to say after a tool', async () => {
    const { model, request } = guardOf((asked) => (itemsOf(asked).length > 1 ? '' : [{ call: 'look', id: 'c1' }]));
    const { output } = await model.getResponse(request('Hi', undefined, [toolResult as never]));
    expect(output).toMatchObject([{ type: 'message', content: [{ text: '' }] }]);
  });

  test('whose end, as its provider gave it, is not a good one has failed', async () => {
    const { stub, request } = guardOf(() => 'Half');
    const { chain } = createChainBench({ providers: [] });
    const model = {
      ...stub.model,
      getResponse: async (): Promise<ModelResponse> => ({
        output: (await stub.model.getResponse(request('Hi'))).output,
        usage: new Usage(),
        providerData: chatAnswer({ content: 'Half' }, 'network_error'),
      }),
    };
    await expect(chain.guard(model, 'Own').getResponse(request('Hi'))).rejects.toMatchObject({
      code: 'provider_error',
    });
  });
});
