import { Agent, setTracingDisabled, tool } from '@openai/agents';
import fc from 'fast-check';
import { APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import type { ModelApi } from '../../src/providers/transport/connection.ts';
import { createChainBench, providerAt } from '../support/chain-bench.ts';
import { execute } from '../support/execute-run.ts';
import { startScriptedServer, writeInPieces } from '../support/scripted-server.ts';
import { type ChatForm, chatForm, distinctIn, toChatAnswer, toChatChunks } from './model-answers/chat-forms.ts';
import { cutAt, places, sseStyle, toSse } from './model-answers/pieces.ts';
import { type ResponsesForm, responsesForm, toResponse, toResponseEvents } from './model-answers/responses-forms.ts';
import { type Heard, hasLostCalls, type Spoken, saysSomething, spoken } from './model-answers/spoken.ts';
import { clients, heardIn, listen, type Outcome, type Wire } from './model-answers/wire.ts';

/** How long answers are made up, in ms, over all tests of this file: a minute in CI, an hour elsewhere. */
const totalMs = Number(process.env.FUZZ_SECONDS ?? (process.env.CI ? 60 : 3_600)) * 1_000;
/** The same answers each time in CI, and others elsewhere. */
const seed = process.env.FUZZ_SEED ?? (process.env.CI ? '4711' : undefined);
const testsHere = 9;
const shareMs = totalMs / testsHere;
const timeoutMs = 2 * shareMs + 60_000;

/** Checks a property for its share of the time. A failure names the seed and the smallest example. */
const forItsTime = <T>(answers: fc.Arbitrary<T>, check: (answer: T) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(answers, check), {
    numRuns: 100_000_000,
    interruptAfterTimeLimit: shareMs,
    markInterruptAsFailure: false,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });

/** An answer as it is sent, with what it says. `body` is complete: no chunk is missing. */
type Sent = { said: Spoken; body: string; contentType: string; hasUsage: boolean };

const usageIsCounted = ({ usage }: ChatForm | ResponsesForm): boolean => usage !== 'missing' && usage !== 'null';
const json = (value: object) => ({ body: JSON.stringify(value), contentType: 'application/json' });
const stream = (body: string) => ({ body, contentType: 'text/event-stream' });

const sentChat = (streamed: boolean): fc.Arbitrary<Sent> =>
  fc.record({ spoken: spoken('chat_completions'), form: chatForm, style: sseStyle }).map((made) => {
    const { form, style } = made;
    const said = distinctIn(made.spoken, form);
    const body = streamed ? stream(toSse(toChatChunks(said, form), style)) : json(toChatAnswer(said, form));
    return { said, hasUsage: usageIsCounted(form), ...body };
  });

const sentResponse = (streamed: boolean): fc.Arbitrary<Sent> =>
  fc.record({ said: spoken('responses'), form: responsesForm, style: sseStyle }).map(({ said, form, style }) => ({
    said,
    hasUsage: usageIsCounted(form),
    ...(streamed ? stream(toSse(toResponseEvents(said, form), style)) : json(toResponse(said, form))),
  }));

const sentBy: Record<ModelApi, (streamed: boolean) => fc.Arbitrary<Sent>> = {
  chat_completions: sentChat,
  responses: sentResponse,
};

/** Whether an answer is whole if nothing of it is lost; one in one piece need not name its end. */
const isWhole = (said: Spoken, streamed: boolean): boolean =>
  (said.end.kind === 'whole' && !hasLostCalls(said)) || (said.end.kind === 'missing' && !streamed);

const heardOf = ({ text, calls }: Spoken): Heard => ({ text, calls });

/** What became of an answer, in a form that can be compared: calls have ids of their own where the server gave none. */
const inWords = (outcome: Outcome): unknown =>
  'error' in outcome
    ? (outcome.error as Error).name
    : { heard: heardIn(outcome.output), usage: outcome.usage.inputTokens };

function expectProviderFault(outcome: Outcome): void {
  const error = 'error' in outcome ? outcome.error : new Error(`heard ${JSON.stringify(inWords(outcome))}`);
  if (!(error instanceof APIError)) throw error;
}

/** An answer of which nothing is lost is understood if it is whole, and otherwise a fault of the provider. */
function expectUnderstood({ said, hasUsage }: Sent, streamed: boolean, outcome: Outcome): void {
  if (isWhole(said, streamed) && saysSomething(said)) {
    if ('error' in outcome) throw outcome.error;
    expect(heardIn(outcome.output)).toEqual(heardOf(said));
    const { inputTokens, outputTokens } = outcome.usage;
    expect([inputTokens, outputTokens]).toEqual(hasUsage ? [5, 3] : [0, 0]);
  } else if ('error' in outcome) expectProviderFault(outcome);
  else expect(heardIn(outcome.output)).toEqual({ text: '', calls: [] });
}

describe.each([
  { api: 'chat_completions', streamed: true },
  { api: 'chat_completions', streamed: false },
  { api: 'responses', streamed: true },
  { api: 'responses', streamed: false },
] as const)('an answer of any form ($api, streamed: $streamed)', ({ api, streamed }) => {
  const sent = sentBy[api](streamed);

  test('is understood the same however its bytes arrive, by both clients', { timeout: timeoutMs }, () =>
    forItsTime(fc.tuple(sent, places(6)), async ([answer, at]) => {
      for (const open of Object.values(clients)) {
        const wire = (chunks: Buffer[]): Wire => ({ contentType: answer.contentType, chunks, isCut: false });
        const inOnePiece = await listen(await open(api, wire([Buffer.from(answer.body)])), streamed);
        expectUnderstood(answer, streamed, inOnePiece);
        const inPieces = await listen(await open(api, wire(cutAt(Buffer.from(answer.body), at))), streamed);
        expect(inWords(inPieces)).toEqual(inWords(inOnePiece));
      }
    }),
  );

  test('that breaks off at any byte is whole or a fault, never half', { timeout: timeoutMs }, () =>
    forItsTime(
      fc.tuple(sent, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()),
      async ([answer, at, isCut]) => {
        const [part] = cutAt(Buffer.from(answer.body), [at]) as [Buffer];
        for (const open of Object.values(clients)) {
          const outcome = await listen(
            await open(api, { contentType: answer.contentType, chunks: [part], isCut }),
            streamed,
          );
          if ('error' in outcome) expectProviderFault(outcome);
          else {
            const heard = heardIn(outcome.output);
            if (heard.text !== '' || heard.calls.length > 0) {
              expect(isWhole(answer.said, streamed)).toBe(true);
              expect(heard).toEqual(heardOf(answer.said));
            }
          }
        }
      },
    ),
  );
});

/** How a run may end that has met no whole answer, or a tool in each: never as a mistake of the application or of ours. */
const honestCodes = [
  'provider_error',
  'provider_unavailable',
  'empty_answer',
  'tool_not_found',
  'output_limit_reached',
  'model_refused',
  'max_turns_exceeded',
  'context_length_exceeded',
];
const turnsMax = 3;
const attemptsMax = 3;

const agent = new Agent({
  name: 'Fuzzed',
  tools: [
    tool({
      name: 'look',
      description: 'looks',
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
      strict: false,
      execute: () => 'seen',
    }),
    tool({
      name: 'now',
      description: 'tells the time',
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
      strict: true,
      execute: () => 'noon',
    }),
  ],
});

test('a run whose model always gives the same answer pays for no more than its turns', {
  timeout: timeoutMs,
}, async () => {
  setTracingDisabled(true);
  await using server = await startScriptedServer();
  const asked = fc.constantFrom<ModelApi>('chat_completions', 'responses').chain((api) =>
    fc.boolean().chain((streamed) =>
      fc.record({
        api: fc.constant(api),
        streamed: fc.constant(streamed),
        answer: sentBy[api](streamed),
        cut: fc.option(fc.integer({ min: 0, max: 2_000 }), { freq: 3 }),
      }),
    ),
  );
  await forItsTime(asked, async ({ api, streamed, answer, cut }) => {
    const before = server.asked.length;
    server.respond = (response) => {
      response.writeHead(200, { 'content-type': answer.contentType });
      writeInPieces(response, Buffer.from(answer.body).subarray(0, cut ?? undefined), [4_096]);
    };
    const { chain } = createChainBench({ providers: [providerAt('one', server.baseUrl, { api })] });
    const { final } = await execute(agent, {
      reply: () => '',
      modelProvider: chain.provider,
      mode: streamed ? 'stream' : 'blocking',
      turnsMax,
    });
    const calls = server.asked.length - before;
    expect(calls).toBeLessThanOrEqual(answer.said.calls.length === 0 ? attemptsMax : attemptsMax * turnsMax);
    if (final?.status === 'completed') {
      expect(isWhole(answer.said, streamed)).toBe(true);
      expect(final.response).toBe(answer.said.text);
    } else expect(honestCodes).toContain(final?.error?.code);
  });
});
