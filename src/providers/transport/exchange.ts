import type { IncomingHttpHeaders } from 'node:http';
import { APIError } from 'openai';
import type { Dispatcher } from 'undici';
import { createTickBatch } from '../../platform/tick-batch.ts';
import { AnswerStream, type StreamSource } from './answer-stream.ts';
import {
  callAborted,
  checkStreamType,
  connectionFailed,
  MalformedAnswerError,
  statusFailed,
  TruncatedAnswerError,
} from './call-errors.ts';
import { CallTimeouts } from './call-timeouts.ts';
import type { ModelApi, ModelTimeouts } from './connection.ts';
import { isKeepalive } from './keepalive.ts';
import { keepFields } from './keeping-model.ts';
import { endOf, type KeepFields, type KeptFields, normaliseAnswer } from './normalise/index.ts';
import type { ApiAnswer } from './sdk-client.ts';
import { SseEventTooLong, SseParser } from './sse-parser.ts';
import { isStream, toWholeAnswer } from './stream-to-whole.ts';

/** A model call, as far as its answer depends on it. */
export type Call = { api: ModelApi; streamed: boolean; signal: AbortSignal | null };

/**
 * Sends the request of a call once, and passes its answer to the handler, bytes and all. A failure without an answer, or
 * with an error as its status, may also be passed as an `APIError`.
 */
export type SendRequest = (handler: ExchangeHandler) => void;

/** Receives an answer, as a handler of undici does. */
export type ExchangeHandler = Required<
  Pick<
    Dispatcher.DispatchHandler,
    'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'
  >
>;

/** The limits of a call. */
export type CallLimits = { timeouts: ModelTimeouts; answerBytesMax: number };

const atEndOfTick = createTickBatch();

/** The most bytes that are read of the body of an error. */
const errorBytesMax = 1_000_000;
/** How long to wait for the end of a body after a complete answer, in ms, so that the connection can be reused. */
const lingerMs = 1_000;

function toHeaders(raw: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value = ''] of Object.entries(raw)) {
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
  }
  return headers;
}

type OutputItem = { type?: string; content?: { type?: string; text?: string }[] };

/** Adds the fields that the `openai` client adds to a body: the request id, and the joined text of a response. */
function addClientFields(
  body: { object?: string; output?: OutputItem[]; output_text?: string },
  requestId: string | null,
): void {
  Object.defineProperty(body, '_request_id', { value: requestId, enumerable: false });
  if (body.object !== 'response' || !Array.isArray(body.output)) return;
  const parts = body.output.flatMap(({ type, content = [] }) => (type === 'message' ? content : []));
  body.output_text = parts.map(({ type, text }) => (type === 'output_text' ? text : '')).join('');
}

/** One request and its answer, for both clients. It ends once: by its end, a fault, a timeout or an abort. */
class Exchange implements ExchangeHandler, StreamSource {
  readonly api: ModelApi;
  readonly #call: Call;
  readonly #limits: CallLimits;
  readonly #resolve: (answered: ApiAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timers: CallTimeouts;
  #controller: Dispatcher.DispatchController | null = null;
  #hasEnded = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #stream: AnswerStream | null = null;
  #parser: SseParser | null = null;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(
    call: Call,
    limits: CallLimits,
    resolve: (answered: ApiAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.api = call.api;
    this.#call = call;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timers = new CallTimeouts(limits.timeouts, call.streamed, (error) => this.#fail(error));
    call.signal?.addEventListener('abort', this);
  }

  /** The caller aborts. */
  handleEvent(): void {
    this.#stream?.end({ type: 'silent' });
    this.#fail(callAborted(this.#call.signal as AbortSignal));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(new Error('The call is over.'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (this.#isSuccess()) this.#failOnThrow(() => this.#startAnswer());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#hasEnded) return;
    if (this.#parser === null) this.#collect(chunk);
    else this.#feedParser((parser) => parser.push(chunk));
  }

  onResponseEnd(): void {
    clearTimeout(this.#lingerTimer);
    if (this.#hasEnded) return;
    if (this.#parser !== null) {
      this.#feedParser((parser) => parser.end());
      this.#stream?.end({ type: 'complete' });
      this.#end();
    } else if (this.#isSuccess()) this.#failOnThrow(() => this.#completeAnswer());
    else this.#fail(this.#statusError());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#lingerTimer);
    if (error instanceof APIError) this.#fail(error);
    else if (this.#status === 0) this.#fail(connectionFailed(error, this.#limits.timeouts.connectTimeoutMs));
    else if (this.#isSuccess()) this.#fail(new TruncatedAnswerError(this.headers(), error));
    else this.#fail(this.#statusError());
  }

  headers(): Headers {
    return toHeaders(this.#headers);
  }

  pause(): void {
    this.#timers.pause();
    this.#controller?.pause();
  }

  resume(): void {
    this.#timers.event();
    this.#controller?.resume();
  }

  keep(kept: KeptFields): void {
    keepFields(this.#call.signal, kept);
  }

  finish(): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#lingerTimer = setTimeout(() => this.#controller?.abort(new Error('The answer is whole.')), lingerMs);
  }

  cancel(): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#controller?.abort(new Error('Nobody waits for the answer.'));
  }

  #isSuccess(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #text(): string {
    const text = (this.#body.length === 1 ? (this.#body[0] as Buffer) : Buffer.concat(this.#body)).toString();
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  #statusError(): Error {
    return statusFailed(this.#status, this.#text(), this.headers());
  }

  #toAnswer(data: unknown, end: ApiAnswer['end'] = 'stated'): ApiAnswer {
    const header = (name: string) => this.#header(name);
    return { data, end, status: this.#status, requestId: this.#requestId(), headers: () => this.headers(), header };
  }

  #requestId = (): string | null => this.#header('x-request-id');

  #header(name: string): string | null {
    const value = this.#headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }

  /** Runs a step; an error that it throws fails the call. */
  #failOnThrow(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Handles the headers of a successful response. */
  #startAnswer(): void {
    const { 'content-encoding': encoding = 'identity', 'content-type': type } = this.#headers;
    if (encoding !== 'identity') {
      throw new MalformedAnswerError('it is compressed, which nobody asked for', this.headers());
    }
    if (!this.#call.streamed) return;
    checkStreamType(type, () => this.headers());
    const stream = new AnswerStream(this);
    this.#stream = stream;
    this.#parser = new SseParser((data, name) => {
      if (isKeepalive(data, name)) return;
      this.#timers.event();
      stream.push(data, name);
    }, this.#limits.answerBytesMax);
    this.#resolve(this.#toAnswer(stream));
  }

  #completeAnswer(): void {
    const headers = () => this.headers();
    const keep = (kept: KeptFields) => this.keep(kept);
    const body = normaliseAnswer(this.api, this.#parseBody(keep), headers, keep);
    addClientFields(body, this.#requestId());
    this.#end();
    atEndOfTick(() => this.#resolve(this.#toAnswer(body, endOf(this.api, body))));
  }

  #parseBody(keep: KeepFields): unknown {
    const text = this.#text();
    try {
      return JSON.parse(text);
    } catch (cause) {
      if (isStream(text)) return toWholeAnswer(this.api, Buffer.from(text), () => this.headers(), keep);
      throw new MalformedAnswerError('it is not JSON', this.headers(), cause);
    }
  }

  #collect(chunk: Buffer): void {
    this.#body.push(chunk);
    this.#bodyBytes += chunk.length;
    if (!this.#isSuccess()) {
      if (this.#bodyBytes > errorBytesMax) this.#fail(this.#statusError());
    } else if (this.#bodyBytes > this.#limits.answerBytesMax) this.#failTooLong('it');
  }

  #feedParser(feed: (parser: SseParser) => void): void {
    try {
      feed(this.#parser as SseParser);
    } catch (error) {
      if (!(error instanceof SseEventTooLong)) throw error;
      this.#failTooLong('an event of its stream');
    }
  }

  #failTooLong(what: string): void {
    const fault = `${what} has more than ${this.#limits.answerBytesMax} bytes`;
    this.#fail(new MalformedAnswerError(fault, this.headers()));
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.cancel();
    if (this.#stream === null) this.#reject(error);
    else this.#stream.end({ type: 'failed', error });
  }

  #end(): void {
    this.#hasEnded = true;
    this.#timers.stop();
    this.#call.signal?.removeEventListener('abort', this);
  }
}

/**
 * Sends a call. Resolves with the answer, or with the stream as soon as that begins. The call is sent once: retries are
 * up to the caller.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included
 */
export function exchange(call: Call, limits: CallLimits, sendRequest: SendRequest): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    if (call.signal?.aborted) return reject(callAborted(call.signal));
    sendRequest(new Exchange(call, limits, resolve, reject));
  });
}
