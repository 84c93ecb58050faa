import type { ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { AttemptLimits, AttemptTimeouts } from './attempt-timeouts.ts';
import type { Deployment } from './deployments/deployment.ts';
import { assertToolCalls, createStreamWatch } from './faults/answer-validation.ts';
import type { HeadersLike } from './faults/rate-limit-headers.ts';

type Asked = Pick<Deployment, 'asked' | 'watch'>;

/** What an attempt is made of. */
export type AttemptOptions = {
  deployment: Asked;
  request: ModelRequest;
  limits: AttemptLimits;
  clocks: AttemptTimeouts;
  /** Told of the headers of the answer. */
  headers(headers: HeadersLike): void;
};

/**
 * One attempt to have a request answered by one deployment, within its time. What it gives is a whole answer; everything
 * else is thrown. An attempt whose time is over is thrown out of, whether its client heeds the signal or not.
 */
export function createAttempt({ deployment, request, limits, clocks, headers }: AttemptOptions) {
  const times = clocks(limits, request.signal);
  const { signal } = times;
  const watched = createStreamWatch();
  const asked: ModelRequest = { ...request, signal };
  let giveUp = (_reason: unknown) => {};
  let events: AsyncIterator<StreamEvent> | undefined;
  let isWhole = false;
  deployment.watch(signal, { totalMs: limits.totalMs, headers });
  signal.addEventListener('abort', () => giveUp(signal.reason), { once: true });

  /** Whatever `work` comes to, or the reason why the attempt is over before. */
  function inTime<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      giveUp = reject;
      work.then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error));
    });
  }

  async function nextEvent(): Promise<StreamEvent | null> {
    events ??= deployment.asked.getStreamedResponse(asked)[Symbol.asyncIterator]();
    const next = await inTime(events.next());
    if (next.done) return null;
    times.heard();
    watched.see(next.value);
    if (next.value.type === 'response_done') {
      isWhole = true;
      times.nearlyOver();
    }
    return next.value;
  }

  return {
    async respond(): Promise<ModelResponse> {
      const response = await inTime(deployment.asked.getResponse(asked));
      assertToolCalls(response.output);
      return response;
    },

    /** The next event of the stream; null after the last of a whole answer. */
    async next(): Promise<StreamEvent | null> {
      try {
        const event = await nextEvent();
        if (event === null && !isWhole) watched.endedWithout();
        return event;
      } catch (error) {
        // What happens to the connection after the whole answer takes nothing away from it.
        if (isWhole) return null;
        throw error;
      }
    },

    /** Whether an answer had begun to arrive. */
    hasBegun: times.hasHeard,

    /** Whether what was sent may have had effects at the provider. */
    hadEffects: watched.hadEffects,

    /** Stops the clocks, and closes the stream where that has not come to its end. */
    end(): void {
      times.stop();
      events?.return?.()?.catch(() => {}); // the connection is closed; nobody waits for that
      events = undefined;
    },
  };
}

/** See `createAttempt`. */
export type Attempt = ReturnType<typeof createAttempt>;
