import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { createTickBatch } from '../../platform/tick-batch.ts';
import { AnswerStream, type StreamSource } from './answer-stream.ts';
import {
  callAborted,
  connectionFailed,
  MalformedAnswerError,
  statusFailed,
  TruncatedAnswerError,
} from './call-errors.ts';
import { CallTimeouts } from './call-timeouts.ts';
import type { ModelApi, ModelTimeouts } from './connection.ts';
import { checkAnswer, checkStreamType } from './response-completeness.ts';
import type { Answered } from './sdk-client.ts';
import { SseEventTooLong, SseParser } from './sse-parser.ts';

/** What is asked for. */
export type Call = {
  api: ModelApi;
  /** With the query. */
  path: string;
  headers: Record<string, string>;
  /** JSON. */
  body: string;
  streamed: boolean;
  signal: AbortSignal | null;
};

/** By what a call is bounded. */
export type CallLimits = { timeouts: ModelTimeouts; answerBytesMax: number };

const atEndOfTurn = createTickBatch();

/** What is read of the body of an error at most, in bytes. */
const errorBytesMax = 1_000_000;
/** How long the end of a body whose content is whole is waited for, so that the connection can be kept, in ms. */
const lingerMs = 1_000;

function toHeaders(raw: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value = ''] of Object.entries(raw)) {
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
  }
  return headers;
}

type OutputItem = { type?: string; content?: { type?: string; text?: string }[] };

/** Adds what the `openai` client adds to a body: the id of the request, and the text of a response in one piece. */
function dress(body: { object?: string; output?: OutputItem[]; output_text?: string }, requestId: string | null): void {
  Object.defineProperty(body, '_request_id', { value: requestId, enumerable: false });
  if (body.object !== 'response' || !Array.isArray(body.output)) return;
  const parts = body.output.flatMap(({ type, content = [] }) => (type === 'message' ? content : []));
  body.output_text = parts.map(({ type, text }) => (type === 'output_text' ? text : '')).join('');
}

/** One request and its answer, as undici tells of them. It is over once: by its end, a fault, a clock or an abort. */
class Exchange implements Dispatcher.DispatchHandler, StreamSource {
  readonly api: ModelApi;
  readonly #call: Call;
  readonly #limits: CallLimits;
  readonly #resolve: (answered: Answered) => void;
  readonly #reject: (error: unknown) => void;
  readonly #clocks: CallTimeouts;
  #controller: Dispatcher.DispatchController | null = null;
  #isOver = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #stream: AnswerStream | null = null;
  #cutter: SseParser | null = null;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #linger: NodeJS.Timeout | undefined;

  constructor(call: Call, limits: CallLimits, resolve: (answered: Answered) => void, reject: (error: unknown) => void) {
    this.api = call.api;
    this.#call = call;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#clocks = new CallTimeouts(limits.timeouts, call.streamed, (error) => this.#fail(error));
    call.signal?.addEventListener('abort', this);
  }

  /** The caller aborts. */
  handleEvent(): void {
    this.#stream?.end({ how: 'quietly' });
    this.#fail(callAborted(this.#call.signal as AbortSignal));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('The call is over.'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (this.#isSuccess()) this.#attempt(() => this.#begin());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#cutter === null) this.#collect(chunk);
    else this.#cut((cutter) => cutter.push(chunk));
  }

  onResponseEnd(): void {
    clearTimeout(this.#linger);
    if (this.#isOver) return;
    if (this.#cutter !== null) {
      this.#cut((cutter) => cutter.end());
      this.#stream?.end({ how: 'whole' });
      this.#settle();
    } else if (this.#isSuccess()) this.#attempt(() => this.#complete());
    else this.#fail(this.#statusError());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#linger);
    if (this.#status === 0) this.#fail(connectionFailed(error, this.#limits.timeouts.connectTimeoutMs));
    else if (this.#isSuccess()) this.#fail(new TruncatedAnswerError(this.headers(), error));
    else this.#fail(this.#statusError());
  }

  headers(): Headers {
    return toHeaders(this.#headers);
  }

  pause(): void {
    this.#clocks.pause();
    this.#controller?.pause();
  }

  resume(): void {
    this.#clocks.event();
    this.#controller?.resume();
  }

  finish(): void {
    if (this.#isOver) return;
    this.#settle();
    this.#linger = setTimeout(() => this.#controller?.abort(new Error('The answer is whole.')), lingerMs);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#settle();
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

  #answered(data: unknown): Answered {
    const header = (name: string) => this.#header(name);
    return { data, status: this.#status, requestId: this.#requestId(), headers: () => this.headers(), header };
  }

  #requestId = (): string | null => this.#header('x-request-id');

  #header(name: string): string | null {
    const value = this.#headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }

  /** What it throws ends the call. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** An answer begins to come. */
  #begin(): void {
    const { 'content-encoding': encoding = 'identity', 'content-type': type } = this.#headers;
    if (encoding !== 'identity') {
      throw new MalformedAnswerError('it is compressed, which nobody asked for', this.headers());
    }
    if (!this.#call.streamed) return;
    checkStreamType(type, () => this.headers());
    const stream = new AnswerStream(this);
    this.#stream = stream;
    this.#cutter = new SseParser((data, name) => {
      this.#clocks.event();
      stream.push(data, name);
    }, this.#limits.answerBytesMax);
    this.#resolve(this.#answered(stream));
  }

  #complete(): void {
    const body = this.#parse();
    checkAnswer(this.api, body, () => this.headers());
    dress(body as object, this.#requestId());
    this.#settle();
    atEndOfTurn(() => this.#resolve(this.#answered(body)));
  }

  #parse(): unknown {
    try {
      return JSON.parse(this.#text());
    } catch (cause) {
      throw new MalformedAnswerError('it is not JSON', this.headers(), cause);
    }
  }

  #collect(chunk: Buffer): void {
    this.#body.push(chunk);
    this.#bodyBytes += chunk.length;
    if (!this.#isSuccess()) {
      if (this.#bodyBytes > errorBytesMax) this.#fail(this.#statusError());
    } else if (this.#bodyBytes > this.#limits.answerBytesMax) this.#tooLong('it');
  }

  #cut(feed: (cutter: SseParser) => void): void {
    try {
      feed(this.#cutter as SseParser);
    } catch (error) {
      if (!(error instanceof SseEventTooLong)) throw error;
      this.#tooLong('an event of its stream');
    }
  }

  #tooLong(what: string): void {
    const fault = `${what} has more than ${this.#limits.answerBytesMax} bytes`;
    this.#fail(new MalformedAnswerError(fault, this.headers()));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.cancel();
    if (this.#stream === null) this.#reject(error);
    else this.#stream.end({ how: 'failed', error });
  }

  #settle(): void {
    this.#isOver = true;
    this.#clocks.stop();
    this.#call.signal?.removeEventListener('abort', this);
  }
}

/**
 * Sends a call and resolves with its answer, or with its stream as soon as that begins. It is sent once: what to do
 * about a fault is up to others.
 *
 * @throws {APIError} or one of its kinds, those of `call-errors.ts` among them
 */
export function send(dispatcher: Dispatcher, call: Call, limits: CallLimits): Promise<Answered> {
  return new Promise((resolve, reject) => {
    if (call.signal?.aborted) return reject(callAborted(call.signal));
    const { path, headers, body } = call;
    // Time is ours to tell: undici's own clocks also count comments, and tick once a second.
    const options = { path, headers, body, method: 'POST' as const, headersTimeout: 0, bodyTimeout: 0 };
    dispatcher.dispatch(options, new Exchange(call, limits, resolve, reject));
  });
}
