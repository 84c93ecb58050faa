import OpenAI, { APIError, AzureOpenAI } from 'openai';
import { callAborted, MalformedAnswerError, type ModelCallTimeoutError, TruncatedAnswerError } from './call-errors.ts';
import { CallTimeouts } from './call-timeouts.ts';
import { type ModelApi, type ModelConnection, type ModelTimeouts, timeoutsOf } from './connection.ts';
import type { Client } from './lean-client.ts';
import { createProxyFetch } from './proxy.ts';
import { checkAnswer, checkStreamType, watchEnd } from './response-completeness.ts';
import { type CallOptions, type Create, toSdkClient } from './sdk-client.ts';

/** Node holds timers of 31 bits. */
const noTimeoutMs = 2 ** 31 - 1;

type Received = { data: unknown; request_id: string | null; response: Response };
type Inner = { create(body: object, options: object): { withResponse(): Promise<Received> } };

function optionsOf(connection: ModelConnection, fetch: ModelConnection['fetch']) {
  const { baseUrl, organization = null, project = null, headers } = connection;
  return {
    baseURL: baseUrl,
    // What the environment says about these is for other programs; a service is configured by its settings alone.
    organization,
    project,
    defaultHeaders: headers,
    timeout: timeoutsOf(connection).totalTimeoutMs ?? noTimeoutMs,
    maxRetries: 0,
    logLevel: 'off' as const, // what there is to log is in its errors
    ...(fetch === undefined ? {} : { fetch }),
  };
}

function createInner(connection: ModelConnection, fetch: ModelConnection['fetch']): OpenAI {
  const { azure, apiKey, baseUrl } = connection;
  const options = optionsOf(connection, fetch);
  if (azure === undefined) return new OpenAI({ ...options, apiKey });
  const baseURL = `${baseUrl.replace(/\/+$/, '')}/openai`;
  // An empty key, since without any the environment is asked for one.
  const credentials = typeof apiKey === 'function' ? { apiKey: '', azureADTokenProvider: apiKey } : { apiKey };
  return new AzureOpenAI({ ...options, ...credentials, baseURL, apiVersion: azure.apiVersion });
}

/** A call's signal, aborted also by its clocks; and what to throw for an error that came of it. */
function startCall(timeouts: ModelTimeouts, streamed: boolean, outer: AbortSignal | null | undefined) {
  const own = new AbortController();
  let expired: ModelCallTimeoutError | null = null;
  const clocks = new CallTimeouts(timeouts, streamed, (error) => {
    expired = error;
    own.abort(error);
  });
  return {
    clocks,
    signal: outer ? AbortSignal.any([outer, own.signal]) : own.signal,
    expired: () => expired,
    isAborted: () => outer?.aborted === true,
    explain(error: unknown): unknown {
      if (expired !== null) return expired;
      if (error instanceof APIError) return error;
      if (outer?.aborted) return callAborted(outer);
      const isCut = error instanceof TypeError && error.message === 'terminated'; // as `fetch` puts it
      return isCut
        ? new TruncatedAnswerError(undefined, error)
        : new MalformedAnswerError('it cannot be read', undefined, error);
    },
  };
}

type Started = ReturnType<typeof startCall>;

async function* wholeEvents(api: ModelApi, { data, response }: Received, call: Started): AsyncGenerator<unknown> {
  const watch = watchEnd(api);
  try {
    for await (const event of data as AsyncIterable<unknown>) {
      call.clocks.event();
      watch.see(event);
      yield event;
    }
    // The client ends quietly when its signal is aborted, whoever did it.
    const expired = call.expired();
    if (expired !== null) throw expired;
    if (!call.isAborted()) watch.check(() => response.headers);
  } catch (error) {
    throw call.explain(error);
  } finally {
    call.clocks.stop();
  }
}

const createBy =
  (inner: Inner, api: ModelApi, timeouts: ModelTimeouts): Create =>
  async (body, options: CallOptions = {}) => {
    const streamed = body.stream === true;
    const call = startCall(timeouts, streamed, options.signal);
    try {
      const received = await inner.create(body, { ...options, signal: call.signal }).withResponse();
      const { data, response, request_id: requestId } = received;
      const answered = {
        status: response.status,
        requestId,
        headers: () => response.headers,
        header: (name: string) => response.headers.get(name),
      };
      if (streamed) {
        checkStreamType(response.headers.get('content-type'), answered.headers);
        return { ...answered, data: wholeEvents(api, received, call) };
      }
      checkAnswer(api, data, answered.headers);
      call.clocks.stop();
      return { ...answered, data };
    } catch (error) {
      call.clocks.stop();
      throw call.explain(error);
    }
  };

/**
 * The `openai` client, for what the lean one does not cover, held to the same: answers are whole, calls have clocks, and
 * nothing is sent twice. Its time to connect is that of the `fetch` it uses.
 */
export function createOpenAiClient(connection: ModelConnection): Client {
  const proxy = connection.proxyUrl === undefined ? null : createProxyFetch(connection.proxyUrl);
  const inner = createInner(connection, connection.fetch ?? proxy?.fetch);
  const timeouts = timeoutsOf(connection);
  return {
    sdk: toSdkClient(inner.baseURL, {
      chat: createBy(inner.chat.completions as unknown as Inner, 'chat_completions', timeouts),
      responses: createBy(inner.responses as unknown as Inner, 'responses', timeouts),
    }),
    stop: async () => proxy?.stop(),
  };
}
