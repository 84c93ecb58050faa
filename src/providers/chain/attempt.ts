import type { ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import { type AttemptLimits, createAttemptClock } from './attempt-clock.ts';
import type { Deployment } from './deployment.ts';
import type { HeadersLike } from './waiting-time.ts';
import { assertToolCalls, createStreamWatch } from './whole-answer.ts';

type Asked = Pick<Deployment, 'asked' | 'watch'>;

/** What an attempt is made of. */
export type AttemptOptions = {
  deployment: Asked;
  request: ModelRequest;
  limits: AttemptLimits;
  clock: Clock;
  /** Told of the headers of the answer. */
  headers(headers: HeadersLike): void;
};

/**
 * One attempt to have a request answered by one deployment, within its time. What it gives is a whole answer; everything
 * else is thrown. An attempt whose time is over is thrown out of, whether its client heeds the signal or not.
 */
export function createAttempt({ deployment, request, limits, clock, headers }: AttemptOptions) {
  const times = createAttemptClock(clock, limits, request.signal);
  const watched = createStreamWatch();
  const asked: ModelRequest = { ...request, signal: times.signal };
  deployment.watch(times.signal, { totalMs: limits.totalMs, headers });

  let giveUp = (_reason: unknown) => {};
  times.signal.addEventListener('abort', () => giveUp(times.signal.reason), { once: true });

  /** Whatever `work` comes to, or the reason why the attempt is over before. */
  function inTime<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (times.signal.aborted) reject(times.signal.reason);
      giveUp = reject;
      work.then(resolve, (error: unknown) => reject(times.signal.aborted ? times.signal.reason : error));
    });
  }

  async function* wholeStream(): AsyncGenerator<StreamEvent> {
    const events = deployment.asked.getStreamedResponse(asked)[Symbol.asyncIterator]();
    let isWhole = false;
    let isOver = false;
    try {
      while (!isOver) {
        const next = await inTime(events.next());
        isOver = next.done === true;
        if (next.done) break;
        times.heard();
        watched.see(next.value);
        if (next.value.type === 'response_done') {
          isWhole = true;
          times.nearlyOver();
        }
        yield next.value;
      }
    } catch (error) {
      // What happens to the connection after the whole answer takes nothing away from it.
      if (!isWhole) throw error;
    } finally {
      if (!isOver) events.return?.().catch(() => {}); // the connection is closed; nobody waits for that
    }
    if (!isWhole) watched.endedWithout();
  }

  return {
    async respond(): Promise<ModelResponse> {
      const response = await inTime(deployment.asked.getResponse(asked));
      assertToolCalls(response.output);
      return response;
    },

    stream: wholeStream,

    /** Whether an answer had begun to arrive. */
    hasBegun: times.hasHeard,

    /** Whether what was sent may have had effects at the provider. */
    hadEffects: watched.hadEffects,

    /** Stops the clocks. */
    end: times.stop,
  };
}

/** See `createAttempt`. */
export type Attempt = ReturnType<typeof createAttempt>;
