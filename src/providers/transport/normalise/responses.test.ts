import { type ModelResponse, type StreamEvent, setTracingDisabled, withTrace } from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExpectedAnswer, ExpectedFault, Quirk } from '../../../../tests/quirks/quirk.ts';
import { responsesQuirks } from '../../../../tests/quirks/responses-quirks.ts';
import { requestOf } from '../../../../tests/support/model-calls.ts';
import { json, type ScriptedServer, startScriptedServer, stream } from '../../../../tests/support/scripted-server.ts';
import { createModelClient } from '../index.ts';

setTracingDisabled(true);

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

type Done = Extract<StreamEvent, { type: 'response_done' }>;
type Answer = Pick<ModelResponse, 'output' | 'usage'>;

/** The answer of the SDK's model over one of the two clients. */
async function askModel(transport: 'lean' | 'openai', streamed: boolean): Promise<Answer> {
  const client = createModelClient({ baseUrl: server.baseUrl, apiKey: 'sk-1', api: 'responses', transport } as never);
  try {
    const model = await client.getModel('gpt-x');
    if (!streamed) return await withTrace('a test', () => model.getResponse(requestOf()));
    let done: Done | undefined;
    for await (const event of model.getStreamedResponse(requestOf())) if (event.type === 'response_done') done = event;
    return (done as Done).response as never;
  } finally {
    await client.stop(AbortSignal.timeout(1_000));
  }
}

type Item = { type?: string; content?: unknown; name?: string; arguments?: string; callId?: string };
type Part = { type: string; text?: string; refusal?: string };

const partsOf = (output: Item[], type: string): Part[] =>
  output.filter((item) => item.type === type).flatMap((item) => (item.content ?? []) as Part[]);

const reasoningOf = (output: Item[]): string =>
  output
    .filter(({ type }) => type === 'reasoning')
    .flatMap((item) => [
      ...((item.content ?? []) as Part[]),
      ...(((item as { providerData?: { content?: Part[] } }).providerData?.content ?? []) as Part[]),
    ])
    .map(({ text }) => text)
    .join('');

function expectAnswer({ output, usage }: Answer, expected: ExpectedAnswer): void {
  const items = output as Item[];
  const parts = partsOf(items, 'message');
  expect(parts.map(({ text = '' }) => text).join('')).toBe(expected.text ?? '');
  expect(parts.map(({ refusal = '' }) => refusal).join('')).toBe(expected.refusal ?? '');
  if (expected.reasoning !== undefined) expect(reasoningOf(items)).toBe(expected.reasoning);
  const calls = items.filter(({ type }) => type === 'function_call');
  const wanted = expected.calls ?? [];
  expect(calls.map((call) => ({ name: call.name, arguments: call.arguments }))).toEqual(
    wanted.map((call) => ({ name: call.name, arguments: call.arguments })),
  );
  const ids = calls.map(({ callId }) => callId);
  expect(ids).toEqual(wanted.map(({ id }) => id ?? expect.stringMatching(/./)));
  expect(new Set(ids).size).toBe(ids.length);
  if (expected.usage) {
    const { inputTokens, outputTokens, totalTokens } = usage;
    expect([inputTokens, outputTokens, totalTokens]).toEqual(expected.usage);
  }
}

function expectFault(error: unknown, expected: ExpectedFault): void {
  const { name, message, ...fields } = expected;
  expect((error as Error).constructor.name).toBe(name);
  expect(error).toMatchObject(fields);
  if (message !== undefined) expect((error as Error).message).toContain(message);
}

async function expectQuirk(quirk: Quirk, streamed: boolean, transport: 'lean' | 'openai'): Promise<void> {
  server.respond = streamed ? stream(quirk.streamed as string) : json(quirk.whole);
  const expected = (streamed ? undefined : quirk.expectedWhole) ?? quirk.expected;
  const answered = await askModel(transport, streamed).catch((error: unknown) => ({ error }));
  if ('fault' in expected) {
    expect(answered).toHaveProperty('error');
    expectFault((answered as { error: unknown }).error, expected.fault);
  } else {
    if ('error' in answered) throw answered.error;
    expectAnswer(answered, expected);
  }
}

describe.each(['lean', 'openai'] as const)('over the %s client, the SDK gets the documented answer of', (transport) => {
  for (const quirk of responsesQuirks) {
    if (quirk.streamed !== undefined) test(`${quirk.name}, streamed`, () => expectQuirk(quirk, true, transport));
    if (quirk.whole !== undefined) test(`${quirk.name}, in one piece`, () => expectQuirk(quirk, false, transport));
  }
});
