import { answerFailed, MalformedAnswerError } from './call-errors.ts';
import type { ModelApi } from './connection.ts';
import { type EndWatch, watchEnd } from './response-completeness.ts';

/** What a stream asks of the exchange that feeds it. */
export type StreamSource = {
  readonly api: ModelApi;
  headers(): Headers;
  /** Nothing more is wanted until `resume`. */
  pause(): void;
  resume(): void;
  /** The answer is whole; what may still come does not matter. */
  finish(): void;
  /** Nobody listens any more. */
  cancel(): void;
};

type Result = IteratorResult<unknown, undefined>;
type Waiting = { resolve(result: Result): void; reject(error: unknown): void };
type Ended = { how: 'whole' | 'quietly' } | { how: 'failed'; error: unknown };

/** So many characters of events may wait for their reader before the provider is held back. */
const waitingCharsMax = 1_000_000;
const over: Result = { value: undefined, done: true };

type Chunk = { error?: object; choices?: { finish_reason?: string | null }[] };

/**
 * The events of a streamed answer, for one reader. Their JSON is parsed when they are read. It ends with an error
 * unless the answer is whole, but quietly when the caller aborts, as the `openai` client's does.
 */
export class AnswerStream implements AsyncIterableIterator<unknown, undefined> {
  readonly #source: StreamSource;
  readonly #watch: EndWatch;
  /** Data and name of the events that wait, in turn. */
  readonly #queue: string[] = [];
  #head = 0;
  #waitingChars = 0;
  #paused = false;
  #reader: Waiting | null = null;
  #ended: Ended | null = null;

  constructor(source: StreamSource) {
    this.#source = source;
    this.#watch = watchEnd(source.api);
  }

  push(data: string, name: string): void {
    if (this.#ended !== null) return;
    this.#queue.push(data, name);
    this.#waitingChars += data.length;
    if (this.#reader !== null) this.#wake();
    if (!this.#paused && this.#waitingChars > waitingCharsMax) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** Nothing more comes. What waits is still read, except after an abort. */
  end(ended: Ended): void {
    if (this.#ended !== null) return;
    this.#ended = ended;
    if (ended.how === 'quietly') this.#drop();
    if (this.#reader !== null) this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    try {
      const result = this.#take();
      if (result !== null) return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<Result> {
    if (this.#ended === null) {
      this.#ended = { how: 'quietly' };
      this.#source.cancel();
    }
    this.#drop();
    return Promise.resolve(over);
  }

  #wake(): void {
    const reader = this.#reader as Waiting;
    try {
      const result = this.#take();
      if (result === null) return;
      this.#reader = null;
      reader.resolve(result);
    } catch (error) {
      this.#reader = null;
      reader.reject(error);
    }
  }

  /** The next event, or the end; null when one has to wait. */
  #take(): Result | null {
    while (this.#head < this.#queue.length) {
      const data = this.#queue[this.#head] as string;
      const name = this.#queue[this.#head + 1] as string;
      this.#head += 2;
      if (this.#head === this.#queue.length) this.#drop();
      if (data === '[DONE]') this.#finish();
      else return { value: this.#read(data, name), done: false };
    }
    if (this.#ended === null) return null;
    const ended = this.#ended;
    this.#ended = { how: 'quietly' };
    if (ended.how === 'failed') throw ended.error;
    if (ended.how === 'whole') this.#watch.check(() => this.#source.headers());
    return over;
  }

  #read(data: string, name: string): unknown {
    try {
      const value = this.#parse(data);
      if (name === 'error' || value?.error) {
        throw answerFailed((value?.error ?? value) as object, this.#source.headers());
      }
      // The `openai` client does the same for servers that leave it out.
      if (this.#source.api === 'chat_completions' && Array.isArray(value?.choices)) {
        for (const choice of value.choices) choice.finish_reason ??= null;
      }
      this.#watch.see(value);
      if (this.#watch.isOver()) this.#finish();
      return value;
    } catch (error) {
      this.#ended = { how: 'quietly' };
      this.#drop();
      this.#source.cancel();
      throw error;
    }
  }

  #parse(data: string): Chunk | null {
    try {
      return JSON.parse(data) as Chunk | null;
    } catch (cause) {
      throw new MalformedAnswerError('an event of its stream is not JSON', this.#source.headers(), cause);
    }
  }

  #finish(): void {
    if (this.#ended?.how !== 'quietly') this.#ended = { how: 'whole' };
    this.#drop();
    this.#source.finish();
  }

  #drop(): void {
    this.#queue.length = 0;
    this.#head = 0;
    this.#waitingChars = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#source.resume();
  }
}
