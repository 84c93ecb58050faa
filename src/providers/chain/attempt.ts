import type { ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { markEndUnstated } from '../model-call.ts';
import type { AttemptLimits, AttemptTimeout, AttemptTimeouts } from './attempt-timeouts.ts';
import type { Deployment } from './deployments/deployment.ts';
import { AnswerValidator, statesEnd } from './faults/answer-validation.ts';
import type { HeadersLike } from './faults/rate-limit-headers.ts';

/** What an attempt is made of. */
export type AttemptOptions = {
  deployment: Pick<Deployment, 'sdkModel' | 'observe' | 'statesLimit'>;
  request: ModelRequest;
  limits: AttemptLimits;
  timeouts: AttemptTimeouts;
  /** Receives the headers of the answer. */
  onHeaders(headers: HeadersLike): void;
};

/**
 * One attempt to have a request answered by one deployment, within its time. It returns a complete answer or throws. When
 * its time is over it rejects, whether the client library reacts to the signal or not.
 */
export class Attempt {
  readonly #model: Deployment['sdkModel'];
  readonly #timeout: AttemptTimeout;
  readonly #validator: AnswerValidator;
  readonly #request: ModelRequest;
  #reject = (_reason: unknown) => {};
  #events: AsyncIterator<StreamEvent> | undefined;
  #isComplete = false;

  constructor({ deployment, request, limits, timeouts, onHeaders }: AttemptOptions) {
    this.#model = deployment.sdkModel;
    this.#timeout = timeouts(limits, request.signal);
    const { signal } = this.#timeout;
    this.#request = { ...request, signal };
    this.#validator = new AnswerValidator(request, deployment.statesLimit);
    deployment.observe(signal, { totalMs: limits.totalMs, onHeaders });
    signal.addEventListener('abort', () => this.#reject(signal.reason), { once: true });
  }

  /** The answer in one piece. */
  async respond(): Promise<ModelResponse> {
    const response = this.#validator.checkWhole(await this.#inTime(this.#model.getResponse(this.#request)));
    return statesEnd(response.providerData) ? response : markEndUnstated(response);
  }

  /** The next event of the stream; null after the last event of a complete answer. */
  async next(): Promise<StreamEvent | null> {
    try {
      const event = await this.#nextEvent();
      if (event === null && !this.#isComplete) this.#validator.endedWithoutAnswer();
      return event;
    } catch (error) {
      // What happens to the connection after the complete answer does not matter.
      if (this.#isComplete) return null;
      throw error;
    }
  }

  /** Whether an answer had begun to arrive. */
  hasBegun(): boolean {
    return this.#timeout.hasReceivedEvent();
  }

  /** Whether the request may have had effects at the provider. */
  hadEffects(): boolean {
    return this.#validator.hadEffects();
  }

  /** Stops the timeouts, and closes the stream if it has not ended. */
  end(): void {
    this.#timeout.stop();
    this.#events?.return?.()?.catch(() => {}); // the connection is closed; the result does not matter
    this.#events = undefined;
  }

  /** The result of `work`, or the reason why the attempt is over before. */
  #inTime<T>(work: PromiseLike<T>): Promise<T> {
    const { signal } = this.#timeout;
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      this.#reject = reject;
      work.then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error));
    });
  }

  async #nextEvent(): Promise<StreamEvent | null> {
    this.#events ??= this.#model.getStreamedResponse(this.#request)[Symbol.asyncIterator]();
    const next = await this.#inTime(this.#events.next());
    if (next.done) return null;
    this.#timeout.eventReceived();
    const event = this.#validator.check(next.value);
    if (event.type === 'response_done') {
      this.#isComplete = true;
      this.#timeout.answerCompleted();
    }
    return event;
  }
}
