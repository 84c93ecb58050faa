/** What servers send, and what the SDK's models make of it with both clients: `tests/quirks`. */
import { type AgentOutputItem, type ModelResponse, setTracingDisabled, withTrace } from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatQuirks } from '../../../tests/quirks/chat-quirks.ts';
import type { ExpectedAnswer, ExpectedFault, Quirk } from '../../../tests/quirks/quirk.ts';
import { responsesQuirks } from '../../../tests/quirks/responses-quirks.ts';
import { requestOf } from '../../../tests/support/model-calls.ts';
import { type ScriptedServer, startScriptedServer, writeInPieces } from '../../../tests/support/scripted-server.ts';
import type { ModelApi } from './connection.ts';
import { createModelClient, type ModelClient } from './model-client.ts';

setTracingDisabled(true);

let server: ScriptedServer;
const clients = new Map<string, ModelClient>();
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(async () => {
  for (const client of clients.values()) await client.stop(AbortSignal.abort());
  await server[Symbol.asyncDispose]();
});

const transports = ['auto', 'openai'] as const;
type Way = { api: ModelApi; transport: (typeof transports)[number]; streamed: boolean };

function clientOf({ api, transport }: Way): ModelClient {
  const name = `${api} ${transport}`;
  const client = clients.get(name) ?? createModelClient({ baseUrl: server.baseUrl, apiKey: 'sk-1', api, transport });
  clients.set(name, client);
  return client;
}

/** The answer to a request, in one piece or as the last event of a stream; and the text that a stream showed. */
async function answerOf(
  way: Way,
): Promise<{ response: Pick<ModelResponse, 'output' | 'usage'>; shown: string | null }> {
  const model = await clientOf(way).getModel('m');
  if (!way.streamed) return { response: await withTrace('t', () => model.getResponse(requestOf())), shown: null };
  let shown = '';
  let response: Pick<ModelResponse, 'output' | 'usage'> | undefined;
  for await (const event of model.getStreamedResponse(requestOf())) {
    if (event.type === 'output_text_delta') shown += event.delta;
    if (event.type === 'response_done') response = event.response as unknown as ModelResponse;
  }
  if (response === undefined) throw new Error('The stream ended without an answer.');
  return { response, shown };
}

type Part = { type: string; text?: string; refusal?: string };
const partsOf = (output: AgentOutputItem[]): Part[] =>
  output.flatMap((item) => (item.type === 'message' ? (item.content as Part[]) : []));

type Thought = { text: string };
type Reasoning = { content?: Thought[]; rawContent?: Thought[]; providerData?: { content?: Thought[] } };
/** The thoughts of an item: over Chat Completions in `rawContent`, over Responses a summary or what the provider has. */
const thoughtsOf = ({ content = [], rawContent = [], providerData }: Reasoning): Thought[] => [
  ...content,
  ...rawContent,
  ...(providerData?.content ?? []),
];

function expectAnswer(
  response: Pick<ModelResponse, 'output' | 'usage'>,
  shown: string | null,
  expected: ExpectedAnswer,
) {
  const { text = '', calls = [], refusal, reasoning, usage } = expected;
  const { output } = response;
  const said = partsOf(output).map((part) => (part.type === 'output_text' ? part.text : ''));
  expect(said.join('')).toBe(text);
  if (shown) expect(shown).toBe(text); // a response may have its text in the last event alone
  const made = output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
  expect(made.map(({ name, arguments: text }) => ({ name, arguments: text }))).toEqual(
    calls.map(({ name, arguments: text }) => ({ name, arguments: text })),
  );
  expect(made.every(({ callId }) => typeof callId === 'string' && callId !== '')).toBe(true);
  expect(new Set(made.map(({ callId }) => callId)).size).toBe(calls.length);
  for (const [index, { id }] of calls.entries()) if (id !== undefined) expect(made[index]?.callId).toBe(id);
  expect(partsOf(output).find((part) => part.type === 'refusal')?.refusal).toBe(refusal);
  if (reasoning !== undefined) {
    const thoughts = output.flatMap((item) => (item.type === 'reasoning' ? thoughtsOf(item as Reasoning) : []));
    expect(thoughts.map(({ text }) => text).join('')).toBe(reasoning);
  }
  if (expected.cached !== undefined) {
    const [details] = [response.usage.inputTokensDetails].flat();
    expect(details?.cached_tokens).toBe(expected.cached);
  }
  if (usage === undefined) return;
  const { inputTokens, outputTokens, totalTokens } = response.usage;
  expect([inputTokens, outputTokens, totalTokens]).toEqual(usage);
}

function expectFault(error: unknown, { name, message, ...fields }: ExpectedFault): void {
  expect((error as Error).constructor.name).toBe(name);
  expect(error).toMatchObject(fields);
  if (message !== undefined) expect((error as Error).message).toContain(message);
}

/** Answers with a body, in pieces of this length, and checks what comes of it. */
async function expectQuirk(quirk: Quirk, way: Way, length: number): Promise<void> {
  const body = (way.streamed ? quirk.streamed : quirk.whole) as object | string;
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const type = quirk.contentType ?? (way.streamed ? 'text/event-stream' : 'application/json');
  server.respond = (response) => {
    response.writeHead(200, { 'content-type': type });
    writeInPieces(response, bytes, length === 0 ? [] : [length]);
  };
  const expected = way.streamed ? quirk.expected : (quirk.expectedWhole ?? quirk.expected);
  const outcome = await answerOf(way).catch((error: unknown) => ({ error }));
  if ('fault' in expected) {
    expect(outcome).toHaveProperty('error');
    return expectFault((outcome as { error: unknown }).error, expected.fault);
  }
  if ('error' in outcome) throw outcome.error;
  const shown = quirk.shown === undefined ? outcome.shown : null;
  if (quirk.shown !== undefined) expect(outcome.shown).toBe(quirk.shown);
  expectAnswer(outcome.response, shown, expected);
}

const quirks: [ModelApi, Quirk[]][] = [
  ['chat_completions', chatQuirks],
  ['responses', responsesQuirks],
];

for (const [api, all] of quirks) {
  for (const transport of transports) {
    // No quirks of this API: nothing to describe.
    describe.runIf(all.length > 0)(`over ${api}, by MODEL_TRANSPORT=${transport}, a server may send`, () => {
      for (const quirk of all) {
        if (quirk.streamed !== undefined) {
          test(`${quirk.name}, streamed`, () => expectQuirk(quirk, { api, transport, streamed: true }, 0));
        }
        if (quirk.whole !== undefined) {
          test(`${quirk.name}, in one piece`, () => expectQuirk(quirk, { api, transport, streamed: false }, 0));
        }
      }
    });
  }
}

test('what is made of a stream does not depend on where its bytes are split', async () => {
  for (const [api, all] of quirks) {
    for (const quirk of all.filter(({ streamed }) => streamed !== undefined)) {
      for (const length of [1, 7]) await expectQuirk(quirk, { api, transport: 'auto', streamed: true }, length);
    }
  }
});
