import { answerFailed, MalformedAnswerError } from './call-errors.ts';
import type { ModelApi } from './connection.ts';
import { createStreamNormaliser, type KeepFields, reportedFailure, type StreamNormaliser } from './normalise/index.ts';
import { bareJson } from './sse-parser.ts';
import { isWholeAnswer, toStreamEvents } from './whole-to-stream.ts';

const done = /^\s*\[DONE\]/;

/** Whether the data of an event says that the stream ends here. */
export const isDone = (data: string): boolean => data === '[DONE]' || (data.length < 100 && done.test(data));

/** Makes the events that the SDK expects of the events of a stream. */
export class EventDecoder {
  readonly #api: ModelApi;
  readonly #headers: () => Headers;
  readonly #keep: KeepFields;
  readonly #normaliser: StreamNormaliser;
  /** Further events of the data before. */
  #following: object[] = [];

  constructor(api: ModelApi, headers: () => Headers, keep: KeepFields = () => {}) {
    this.#api = api;
    this.#headers = headers;
    this.#keep = keep;
    this.#normaliser = createStreamNormaliser(api, headers, keep);
  }

  /**
   * The event of some data; null if it says nothing. `following` has those that come after it.
   *
   * @throws {APIError} for a failure that the provider reports, and for data that makes no sense
   */
  decode(data: string, name: string): object | null {
    const value = this.#parseJson(data);
    const failure = reportedFailure(value, this.#api, name === 'error');
    if (failure !== null) throw answerFailed(failure, this.#headers());
    if (name !== bareJson || !isWholeAnswer(this.#api, value)) return this.#normaliser.event(value);
    for (const event of toStreamEvents(this.#api, value, this.#headers, this.#keep)) {
      const normalised = this.#normaliser.event(event);
      if (normalised !== null) this.#following.push(normalised);
    }
    return this.following();
  }

  /** The next one of several events of the same data; null if there is none. */
  following(): object | null {
    return this.#following.length === 0 ? null : (this.#following.shift() as object);
  }

  /** Whether the event before was the last one. */
  isTerminal(): boolean {
    return this.#following.length === 0 && this.#normaliser.isTerminal();
  }

  /** See `StreamNormaliser`. */
  end(): object | null {
    return this.#normaliser.end();
  }

  #parseJson(data: string): unknown {
    try {
      return JSON.parse(data);
    } catch (cause) {
      throw new MalformedAnswerError('an event of its stream is not JSON', this.#headers(), cause);
    }
  }
}
