import OpenAI, { APIError, AzureOpenAI } from 'openai';
import {
  callAborted,
  checkStreamType,
  MalformedAnswerError,
  type ModelCallTimeoutError,
  TruncatedAnswerError,
} from './call-errors.ts';
import { CallTimeouts } from './call-timeouts.ts';
import { type ModelApi, type ModelConnection, type ModelTimeouts, timeoutsOf } from './connection.ts';
import type { Client } from './lean-client.ts';
import { createStreamNormaliser, normaliseAnswer } from './normalise/index.ts';
import { createProxyFetch } from './proxy.ts';
import { type ApiMethod, type CallOptions, toSdkClient } from './sdk-client.ts';

/** The longest timer of Node, 31 bits. */
const noTimeoutMs = 2 ** 31 - 1;

type Received = { data: unknown; request_id: string | null; response: Response };
type ApiResource = { create(body: object, options: object): { withResponse(): Promise<Received> } };

function optionsOf(connection: ModelConnection, fetch: ModelConnection['fetch']) {
  const { baseUrl, organization = null, project = null, headers } = connection;
  return {
    baseURL: baseUrl,
    // Set explicitly, since the client would read them from the environment; the service uses its settings only.
    organization,
    project,
    defaultHeaders: headers,
    timeout: timeoutsOf(connection).totalTimeoutMs ?? noTimeoutMs,
    maxRetries: 0,
    logLevel: 'off' as const, // its errors have all the details
    ...(fetch === undefined ? {} : { fetch }),
  };
}

function createSdk(connection: ModelConnection, fetch: ModelConnection['fetch']): OpenAI {
  const { azure, apiKey, baseUrl } = connection;
  const options = optionsOf(connection, fetch);
  if (azure === undefined) return new OpenAI({ ...options, apiKey });
  const baseURL = `${baseUrl.replace(/\/+$/, '')}/openai`;
  // An empty key, since the client would otherwise read one from the environment.
  const credentials = typeof apiKey === 'function' ? { apiKey: '', azureADTokenProvider: apiKey } : { apiKey };
  return new AzureOpenAI({ ...options, ...credentials, baseURL, apiVersion: azure.apiVersion });
}

/** Starts the timers of a call. Its signal aborts on a timeout or an abort by the caller; `toCallError` maps its errors. */
function startCall(timeouts: ModelTimeouts, streamed: boolean, callerSignal: AbortSignal | null | undefined) {
  const timeout = new AbortController();
  let expired: ModelCallTimeoutError | null = null;
  const timers = new CallTimeouts(timeouts, streamed, (error) => {
    expired = error;
    timeout.abort(error);
  });
  return {
    timers,
    signal: callerSignal ? AbortSignal.any([callerSignal, timeout.signal]) : timeout.signal,
    expired: () => expired,
    isAborted: () => callerSignal?.aborted === true,
    toCallError(error: unknown): unknown {
      if (expired !== null) return expired;
      if (error instanceof APIError) return error;
      if (callerSignal?.aborted) return callAborted(callerSignal);
      const isTruncated = error instanceof TypeError && error.message === 'terminated'; // the message of `fetch`
      return isTruncated
        ? new TruncatedAnswerError(undefined, error)
        : new MalformedAnswerError('it cannot be read', undefined, error);
    },
  };
}

type StartedCall = ReturnType<typeof startCall>;

async function* checkedEvents(api: ModelApi, { data, response }: Received, call: StartedCall): AsyncGenerator<unknown> {
  const normaliser = createStreamNormaliser(api, () => response.headers);
  try {
    for await (const event of data as AsyncIterable<unknown>) {
      call.timers.event();
      const normalised = normaliser.event(event);
      if (normalised !== null) yield normalised;
    }
    // The client ends without an error when its signal aborts, also on a timeout.
    const expired = call.expired();
    if (expired !== null) throw expired;
    const last = call.isAborted() ? null : normaliser.end();
    if (last !== null) yield last;
  } catch (error) {
    throw call.toCallError(error);
  } finally {
    call.timers.stop();
  }
}

const createMethod =
  (resource: ApiResource, api: ModelApi, timeouts: ModelTimeouts): ApiMethod =>
  async (body, options: CallOptions = {}) => {
    const streamed = body.stream === true;
    const call = startCall(timeouts, streamed, options.signal);
    try {
      const received = await resource.create(body, { ...options, signal: call.signal }).withResponse();
      const { data, response, request_id: requestId } = received;
      const answer = {
        status: response.status,
        requestId,
        headers: () => response.headers,
        header: (name: string) => response.headers.get(name),
      };
      if (streamed) {
        checkStreamType(response.headers.get('content-type'), answer.headers);
        return { ...answer, data: checkedEvents(api, received, call) };
      }
      const normalised = normaliseAnswer(api, data, answer.headers);
      call.timers.stop();
      return { ...answer, data: normalised };
    } catch (error) {
      call.timers.stop();
      throw call.toCallError(error);
    }
  };

/**
 * The `openai` client, for connections that the lean client does not cover, with the same guarantees: answers are
 * complete, calls have timeouts, and no call is sent twice. Its connect timeout is that of the `fetch` it uses.
 */
export function createOpenAiClient(connection: ModelConnection): Client {
  const proxy = connection.proxyUrl === undefined ? null : createProxyFetch(connection.proxyUrl);
  const sdk = createSdk(connection, connection.fetch ?? proxy?.fetch);
  const timeouts = timeoutsOf(connection);
  return {
    sdk: toSdkClient(sdk.baseURL, {
      chat: createMethod(sdk.chat.completions as unknown as ApiResource, 'chat_completions', timeouts),
      responses: createMethod(sdk.responses as unknown as ApiResource, 'responses', timeouts),
    }),
    stop: async () => proxy?.stop(),
  };
}
