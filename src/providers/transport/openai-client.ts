import OpenAI, { AzureOpenAI } from 'openai';
import { giveWay } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { answerBytesMaxOf, type ModelApi, type ModelConnection, timeoutsOf } from './connection.ts';
import { type CallLimits, type ExchangeHandler, exchange, type SendRequest } from './exchange.ts';
import type { Client } from './lean-client.ts';
import { normaliseRequest } from './normalise/index.ts';
import { createProxyFetch } from './proxy.ts';
import { type ApiMethod, type CallOptions, toSdkClient } from './sdk-client.ts';

/** The longest timer of Node, 31 bits. */
const noTimeoutMs = 2 ** 31 - 1;

type ApiResource = { create(body: object, options: object): { asResponse(): Promise<Response> } };

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

/** The body of a response on its way to a handler, which can stop it for a while, or for good. */
class BodyPump {
  readonly #abortController = new AbortController();
  #resumed = Promise.resolve();
  #resume = (): void => {};
  paused = false;
  rawHeaders = null;
  rawTrailers = null;

  get signal(): AbortSignal {
    return this.#abortController.signal;
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  get reason(): Error | null {
    return (this.signal.reason as Error | undefined) ?? null;
  }

  abort(reason: Error): void {
    this.#abortController.abort(reason);
    this.resume();
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.paused = false;
    this.#resume();
  }

  /** Passes a response on. Resolves at its end. */
  async pump(response: Response, handler: ExchangeHandler): Promise<void> {
    const headers = Object.fromEntries(response.headers);
    delete headers['content-encoding']; // `fetch` has decoded it
    handler.onResponseStart(this, response.status, headers, response.statusText);
    if (response.body !== null) {
      for await (const chunk of response.body) {
        handler.onResponseData(this, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if (this.paused) await this.#resumed;
      }
    }
    handler.onResponseEnd(this, {});
  }
}

/** Sends the request of a call with the `openai` client, of which only the sending and its errors are used. */
const sendBy =
  (resource: ApiResource, body: object, options: CallOptions): SendRequest =>
  (handler) => {
    const pump = new BodyPump();
    handler.onRequestStart(pump, {});
    if (pump.aborted) return;
    resource
      .create(body, { ...options, signal: pump.signal })
      .asResponse()
      .then((response) => pump.pump(response, handler))
      .catch((error: Error) => handler.onResponseError(pump, error));
  };

const createMethod =
  (resource: ApiResource, api: ModelApi, limits: CallLimits): ApiMethod =>
  async (body, options: CallOptions = {}) => {
    const { signal = null } = options;
    const normalised = normaliseRequest(api, body);
    if (isHeavy(normalised)) await giveWay();
    return exchange({ api, streamed: body.stream === true, signal }, limits, sendBy(resource, normalised, options));
  };

/**
 * The `openai` client, for connections that the lean client does not cover. It only sends; what comes is read as by the lean
 * client, so that the guarantees are the same: answers are complete, calls have timeouts, and no call is sent twice. Its
 * connect timeout is that of the `fetch` it uses.
 */
export function createOpenAiClient(connection: ModelConnection): Client {
  const proxy = connection.proxyUrl === undefined ? null : createProxyFetch(connection.proxyUrl);
  const sdk = createSdk(connection, connection.fetch ?? proxy?.fetch);
  const limits = { timeouts: timeoutsOf(connection), answerBytesMax: answerBytesMaxOf(connection) };
  return {
    sdk: toSdkClient(sdk.baseURL, {
      chat: createMethod(sdk.chat.completions as unknown as ApiResource, 'chat_completions', limits),
      responses: createMethod(sdk.responses as unknown as ApiResource, 'responses', limits),
    }),
    stop: async () => proxy?.stop(),
  };
}
