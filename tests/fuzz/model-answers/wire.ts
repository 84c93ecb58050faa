import { type Model, type ModelResponse, OpenAIProvider, withTrace } from '@openai/agents';
import type { Dispatcher } from 'undici';
import { type ModelApi, timeoutsOf } from '../../../src/providers/transport/connection.ts';
import { type ExchangeHandler, exchange } from '../../../src/providers/transport/exchange.ts';
import { createModelClient } from '../../../src/providers/transport/index.ts';
import { type ApiMethod, toSdkClient } from '../../../src/providers/transport/sdk-client.ts';
import { requestOf } from '../../support/model-calls.ts';
import type { Heard } from './spoken.ts';

/** The body of a successful response as it arrives: chunk by chunk, and then its end or the loss of its connection. */
export type Wire = { contentType: string; chunks: readonly Buffer[]; isCut: boolean };

const baseUrl = 'http://127.0.0.1:1/v1';

/** Gives one body to a handler, exactly in its chunks, without a connection. */
function sendWire({ contentType, chunks, isCut }: Wire, handler: ExchangeHandler): void {
  let isOver = false;
  const controller = {
    pause: () => {},
    resume: () => {},
    abort: () => {
      isOver = true;
    },
  } as unknown as Dispatcher.DispatchController;
  handler.onRequestStart(controller, {});
  handler.onResponseStart(controller, 200, { 'content-type': contentType }, 'OK');
  for (const chunk of chunks) if (!isOver) handler.onResponseData(controller, chunk);
  const lost = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  if (!isOver && isCut) handler.onResponseError(controller, lost);
  else if (!isOver) handler.onResponseEnd(controller, {});
}

/** The SDK's model over the lean client, whose server sends this body. */
function createLeanModel(api: ModelApi, wire: Wire): Promise<Model> {
  const limits = { timeouts: timeoutsOf({ baseUrl, apiKey: 'k', api }), answerBytesMax: 2 ** 20 };
  const create: ApiMethod = async (body, { signal = null } = {}) =>
    exchange({ api, streamed: body.stream === true, signal }, limits, (handler) => sendWire(wire, handler));
  const client = toSdkClient(baseUrl, { chat: create, responses: create });
  return new OpenAIProvider({ openAIClient: client, useResponses: api === 'responses' }).getModel('m');
}

/** The SDK's model over the `openai` client, whose server sends this body. */
async function createOpenAiModel(api: ModelApi, { contentType, chunks, isCut }: Wire): Promise<Model> {
  const fetch = async () => {
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        const chunk = chunks[next];
        next += 1;
        if (chunk !== undefined) stream.enqueue(new Uint8Array(chunk));
        else if (isCut) stream.error(new TypeError('terminated'));
        else stream.close();
      },
    });
    return new Response(body, { headers: { 'content-type': contentType } });
  };
  return createModelClient({ baseUrl, apiKey: 'k', api, fetch: fetch as typeof globalThis.fetch }).getModel('m');
}

/** Both clients of the transport. */
export const clients = { lean: createLeanModel, openai: createOpenAiModel } as const;

const request = requestOf();

type Output = ModelResponse['output'];

/** What a model hears of a body: the output and the usage of its answer, or the error that says why there is none. */
export type Outcome = { output: Output; usage: { inputTokens: number; outputTokens: number } } | { error: unknown };

/** Asks for an answer, and reads it to its end. */
export async function listen(model: Model, streamed: boolean): Promise<Outcome> {
  try {
    return await withTrace('fuzz', async () => {
      if (!streamed) {
        const { output, usage } = await model.getResponse(request);
        return { output, usage };
      }
      for await (const event of model.getStreamedResponse(request)) {
        if (event.type === 'response_done')
          return { output: event.response.output as Output, usage: event.response.usage };
      }
      return { error: new Error('the stream has no last event') };
    });
  } catch (error) {
    return { error };
  }
}

type Part = { type?: string; text?: string };

/** The text and the calls of an output, in their order. */
export function heardIn(output: Output): Heard {
  const text = output
    .flatMap((item) => (item.type === 'message' ? (item.content as Part[]) : []))
    .map((part) => (part.type === 'output_text' ? (part.text ?? '') : ''))
    .join('');
  const calls = output.flatMap((item) =>
    item.type === 'function_call' ? [{ name: item.name, arguments: JSON.parse(item.arguments) }] : [],
  );
  return { text, calls: calls as Heard['calls'] };
}
