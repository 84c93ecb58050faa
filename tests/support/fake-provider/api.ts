import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, composeAnswer, createdAtSeconds } from './answer.ts';
import { ApiProblem, invalidRequest } from './api-problem.ts';
import { renderChatCompletion } from './chat-completions-api.ts';
import { parseChatBody } from './chat-completions-input.ts';
import { deliver } from './delivery.ts';
import { createExchange, type Exchange, ExchangeOver } from './exchange.ts';
import type { Rendering } from './frame.ts';
import { parseObject, readText } from './json-body.ts';
import type { ModelCall, Turn } from './model-call.ts';
import { renderResponse } from './responses-api.ts';
import { parseResponsesBody, type UncheckedBody } from './responses-input.ts';
import type { State } from './state.ts';
import { createVllm, type VllmOptions } from './vllm.ts';

/** How many responses are remembered for `previous_response_id`; the oldest is forgotten first. */
const rememberedResponsesMax = 1_000;

/** How the fake differs from its defaults. */
export type ApiOptions = {
  /** The only key that is accepted. Defaults to any. */
  apiKey?: string | undefined;
  /** The models that exist; others are 404. Defaults to any name, and `gpt-4.1` in the list. */
  models?: string[] | undefined;
  /** Makes ids that differ even where the requests are the same, as the real API's do. Defaults to false. */
  freshIds?: boolean | undefined;
  /** Makes it a vLLM: with a line, health and figures. Defaults to OpenAI itself. */
  vllm?: VllmOptions | undefined;
  /** Each answer begins so much later, in ms. Defaults to 0. */
  slowMs?: number | undefined;
};

type Route = {
  parse: (body: UncheckedBody, state: State) => ModelCall;
  render: (answer: Answer, body: UncheckedBody) => Rendering;
};

const routes: Record<string, Route> = {
  '/v1/responses': {
    parse: (body, state) => parseResponsesBody(body, (id) => state.responses.get(id)),
    render: renderResponse,
  },
  '/v1/chat/completions': { parse: parseChatBody, render: renderChatCompletion },
};

function assertAuthorized(request: IncomingMessage, apiKey: string | undefined): void {
  const given = request.headers.authorization?.replace(/^Bearer /, '');
  if (apiKey === undefined || given === apiKey) return;
  if (given !== undefined) throw new ApiProblem({ status: 401 });
  throw new ApiProblem({ status: 401, code: null, message: "You didn't provide an API key." });
}

/** Parses a body; what the checks do not foresee is the client's mistake as well. */
function parseCall(route: Route, body: UncheckedBody, state: State, models: string[] | undefined): ModelCall {
  let call: ModelCall;
  try {
    call = route.parse(body, state);
  } catch (error) {
    if (error instanceof ApiProblem) throw error;
    throw invalidRequest(`Invalid request body: ${error}`);
  }
  if (models === undefined || models.includes(call.model)) return call;
  throw new ApiProblem({ status: 404, message: `The model '${call.model}' does not exist.` });
}

/** Remembers the conversation with its answer, for requests that go on from it by `previous_response_id`. */
function remember(responses: Map<string, Turn[]>, answer: Answer): void {
  const text = answer.message.map((part) => part.text).join('');
  const message: Turn[] = text === '' ? [] : [{ type: 'assistant', text }];
  const toolCalls = answer.toolCalls.map((toolCall): Turn => ({ type: 'toolCall', ...toolCall }));
  responses.set(answer.id('resp_'), [...answer.call.conversation, ...message, ...toolCalls]);
  if (responses.size > rememberedResponsesMax) responses.delete(responses.keys().next().value ?? '');
}

const modelsRendering = (models: string[] = ['gpt-4.1']): Rendering => ({
  whole: () => ({
    object: 'list',
    data: models.map((id) => ({ id, object: 'model', created: createdAtSeconds, owned_by: 'openai' })),
  }),
  *frames() {},
  failure: () => '',
  wholeFailure: () => undefined,
});

/** OpenAI's API over a state that tests control. */
export function createApi(options: ApiOptions, getState: () => State) {
  let requestCount = 0;
  const vllm = options.vllm && createVllm(options.vllm, options.models?.[0] ?? 'gpt-4.1');

  const answerModels = async (exchange: Exchange, state: State) => {
    const { reply, source } = state.script.replyToModels() ?? { reply: {}, source: 'default' as const };
    exchange.recording.decided(source);
    await deliver({ exchange, reply, holds: state.holds }, modelsRendering(options.models), false);
  };

  const answerCall = async (exchange: Exchange, state: State, route: Route, text: string) => {
    const body = parseObject(text);
    exchange.recording.body(body);
    const call = parseCall(route, body, state, options.models);
    const digest = createHash('sha256').update(exchange.recording.record.path).update(text);
    const requestDigest = digest.copy().digest('hex');
    const { reply: scripted, source } = state.script.replyTo(call, requestDigest);
    const reply = { ...scripted, delayMs: (scripted.delayMs ?? 0) + (options.slowMs ?? 0) };
    exchange.recording.decided(source);
    if (options.freshIds) digest.update(exchange.recording.record.requestId);
    const answer = composeAnswer(call, reply, digest.digest('hex'));
    if (call.api === 'responses') remember(state.responses, answer);
    const leave = await vllm?.enter(exchange.signal);
    try {
      await deliver({ exchange, reply, holds: state.holds }, route.render(answer, body), call.streamed);
    } finally {
      leave?.();
    }
  };

  const answer = async (exchange: Exchange, state: State, request: IncomingMessage) => {
    const { method, path } = exchange.recording.record;
    assertAuthorized(request, options.apiKey);
    const route = routes[path];
    if (method === 'GET' && path === '/v1/models') return answerModels(exchange, state);
    if (method === 'POST' && route) return answerCall(exchange, state, route, await readText(request));
    const message = `Invalid URL (${method} ${path})`;
    throw new ApiProblem({ status: 404, code: null, message });
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (vllm?.answers(request, response)) return;
    const state = getState();
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const requestId = `req_${String(++requestCount).padStart(32, '0')}`;
    const { method = 'GET', headers } = request;
    const exchange = createExchange(response, state.recorder.begin({ method, path, headers, requestId }));
    state.track(exchange);
    try {
      await answer(exchange, state, request);
    } catch (error) {
      if (exchange.signal.aborted || error instanceof ExchangeOver) return;
      if (exchange.recording.record.status !== null) return exchange.drop(); // Too late for an error body.
      exchange.recording.decided('refused');
      const problem = error instanceof ApiProblem ? error.reply : { status: 500, message: `The fake failed: ${error}` };
      exchange.sendError(problem);
    }
  };
}
