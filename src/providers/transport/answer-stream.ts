import type { ModelApi } from './connection.ts';
import { EventDecoder, isDone } from './event-decoder.ts';
import type { KeptFields } from './normalise/index.ts';

/** The exchange that feeds a stream, as far as the stream controls it. */
export type StreamSource = {
  readonly api: ModelApi;
  headers(): Headers;
  /** Stops the provider until `resume` (backpressure). */
  pause(): void;
  resume(): void;
  /** Keeps fields of the answer that its server expects back. */
  keep(kept: KeptFields): void;
  /** The answer is complete; any data that follows is ignored. */
  finish(): void;
  /** The reader has stopped. */
  cancel(): void;
};

type Result = IteratorResult<unknown, undefined>;
type PendingRead = { resolve(result: Result): void; reject(error: unknown): void };
/** `silent`: the stream ends without an error although the answer may be incomplete. */
type StreamEnd = { type: 'complete' | 'silent' } | { type: 'failed'; error: unknown };

/** The most characters of events that are buffered for the reader; beyond, the provider is paused (backpressure). */
const bufferedCharsMax = 1_000_000;
const endOfStream: Result = { value: undefined, done: true };

/**
 * The events of a streamed answer, for one reader. The JSON of an event is parsed when it is read. The stream ends with
 * an error unless the answer is complete, but without one if the caller aborts, as that of the `openai` client does.
 */
export class AnswerStream implements AsyncIterableIterator<unknown, undefined> {
  readonly #source: StreamSource;
  readonly #decoder: EventDecoder;
  /** Alternately the data and the name of each buffered event. */
  readonly #queue: string[] = [];
  #head = 0;
  #bufferedChars = 0;
  #paused = false;
  #pendingRead: PendingRead | null = null;
  #ended: StreamEnd | null = null;

  constructor(source: StreamSource) {
    this.#source = source;
    this.#decoder = new EventDecoder(
      source.api,
      () => source.headers(),
      (kept) => source.keep(kept),
    );
  }

  push(data: string, name: string): void {
    if (this.#ended !== null) return;
    this.#queue.push(data, name);
    this.#bufferedChars += data.length;
    if (this.#pendingRead !== null) this.#deliver();
    if (!this.#paused && this.#bufferedChars > bufferedCharsMax) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** Ends the stream. Buffered events are still read, except after an abort. */
  end(ended: StreamEnd): void {
    if (this.#ended !== null) return;
    this.#ended = ended;
    if (ended.type === 'silent') this.#clearQueue();
    if (this.#pendingRead !== null) this.#deliver();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    try {
      const result = this.#nextResult();
      if (result !== null) return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#pendingRead = { resolve, reject };
    });
  }

  return(): Promise<Result> {
    if (this.#ended === null) {
      this.#ended = { type: 'silent' };
      this.#source.cancel();
    }
    this.#clearQueue();
    return Promise.resolve(endOfStream);
  }

  #deliver(): void {
    const pendingRead = this.#pendingRead as PendingRead;
    try {
      const result = this.#nextResult();
      if (result === null) return;
      this.#pendingRead = null;
      pendingRead.resolve(result);
    } catch (error) {
      this.#pendingRead = null;
      pendingRead.reject(error);
    }
  }

  /** The next event or the end of the stream; null if the reader has to wait. */
  #nextResult(): Result | null {
    const following = this.#ended?.type === 'silent' ? null : this.#decoder.following();
    if (following !== null) return this.#resultOf(following);
    while (this.#head < this.#queue.length) {
      const data = this.#queue[this.#head] as string;
      const name = this.#queue[this.#head + 1] as string;
      this.#head += 2;
      if (this.#head === this.#queue.length) this.#clearQueue();
      if (isDone(data)) this.#finish();
      else {
        const event = this.#decode(data, name);
        if (event !== null) return this.#resultOf(event);
      }
    }
    if (this.#ended === null) return null;
    const ended = this.#ended;
    this.#ended = { type: 'silent' };
    if (ended.type === 'failed') throw ended.error;
    const last = ended.type === 'complete' ? this.#decoder.end() : null;
    return last === null ? endOfStream : { value: last, done: false };
  }

  #resultOf(value: object): Result {
    if (this.#decoder.isTerminal()) this.#finish();
    return { value, done: false };
  }

  #decode(data: string, name: string): object | null {
    try {
      const event = this.#decoder.decode(data, name);
      if (event === null && this.#decoder.isTerminal()) this.#finish();
      return event;
    } catch (error) {
      this.#ended = { type: 'silent' };
      this.#clearQueue();
      this.#source.cancel();
      throw error;
    }
  }

  #finish(): void {
    if (this.#ended?.type !== 'silent') this.#ended = { type: 'complete' };
    this.#clearQueue();
    this.#source.finish();
  }

  #clearQueue(): void {
    this.#queue.length = 0;
    this.#head = 0;
    this.#bufferedChars = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#source.resume();
  }
}
