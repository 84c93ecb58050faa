/** Calls the SDK's own models over any client and tells all that comes of it, for comparisons. */
import {
  type Model,
  type ModelRequest,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  Usage,
  withTrace,
} from '@openai/agents';
import type OpenAI from 'openai';

/** All that a caller sees of one call. */
export type Outcome = {
  /** The answer, or the events of a streamed one until its end. */
  seen: unknown;
  error: Record<string, unknown> | null;
  /** What the model says about a retry. */
  advice: unknown;
};

/** What differs between two calls that are the same. */
export type CallCase = {
  api: 'chat_completions' | 'responses';
  streamed: boolean;
  request?: Partial<ModelRequest>;
  /** Aborted before the call; or when so many events have come, or, with 0, when `whenAsked` resolves. */
  abort?: 'before' | number;
  /** Stops reading after so many events. */
  breakAfter?: number;
};

/** Resolves when the request has arrived. */
export type WhenAsked = () => Promise<unknown>;

/** The SDK's model of an API over a client. */
export const modelOver = (client: OpenAI, api: CallCase['api']): Model =>
  api === 'responses' ? new OpenAIResponsesModel(client, 'gpt-x') : new OpenAIChatCompletionsModel(client, 'gpt-x');

/** A request as the Runner makes it. */
export const requestOf = (fields: Partial<ModelRequest> = {}): ModelRequest =>
  ({
    input: 'hi',
    modelSettings: {},
    tools: [],
    toolsExplicitlyProvided: false,
    handoffs: [],
    outputType: 'text',
    tracing: false,
    ...fields,
  }) as ModelRequest;

const plain = (value: unknown): unknown => {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value, (_, each) => (each instanceof Usage ? { ...each } : each)));
};

function errorFacts(error: unknown): Record<string, unknown> {
  const facts = error as Error & Record<string, unknown>;
  const { cause } = facts;
  return {
    class: facts.constructor.name,
    message: facts.message,
    status: facts.status,
    code: facts.code,
    type: facts.type,
    param: facts.param,
    requestId: facts.requestID,
    error: plain(facts.error),
    retryAfter: (facts.headers as Headers | undefined)?.get('retry-after'),
    cause: cause instanceof Error ? cause.name : plain(cause),
    clock: facts.clock,
  };
}

/** Collects the events into `into`, so that those before a fault are known, too. */
async function readEvents(model: Model, request: ModelRequest, of: CallCase, abort: () => void, into: unknown[]) {
  for await (const event of model.getStreamedResponse(request)) {
    into.push(plain(event));
    if (into.length === of.breakAfter) break;
    if (into.length === of.abort) abort();
  }
}

/** Makes the call; `whenAsked` is needed to abort while it waits. */
export async function makeCall(client: OpenAI, of: CallCase, whenAsked?: WhenAsked): Promise<Outcome> {
  const model = modelOver(client, of.api);
  const controller = new AbortController();
  const abort = () => controller.abort(new Error('enough'));
  if (of.abort === 'before') abort();
  else if (of.abort === 0) void whenAsked?.().then(abort);
  const request = requestOf({ signal: controller.signal, ...of.request });
  const events: unknown[] = [];
  try {
    if (of.streamed) {
      await readEvents(model, request, of, abort, events);
      return { seen: events, error: null, advice: null };
    }
    const response = await withTrace('test', () => model.getResponse(request));
    return { seen: plain(response), error: null, advice: null };
  } catch (error) {
    const advice = model.getRetryAdvice?.({ error, request, stream: of.streamed, attempt: 1 });
    return { seen: events, error: errorFacts(error), advice: plain(advice) };
  }
}
