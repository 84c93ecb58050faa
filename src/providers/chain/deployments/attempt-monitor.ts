import type OpenAI from 'openai';
import { assertAnswer } from '../faults/answer-validation.ts';
import type { HeadersLike } from '../faults/rate-limit-headers.ts';

/** What is to be known of one attempt at the level of HTTP. */
export type AttemptObserver = {
  /** What the client may take over all, in ms; one that heeds it can give up by itself. */
  totalMs: number;
  /** Told of the headers of the answer. */
  headers(headers: HeadersLike): void;
};

type Answered = { data: unknown; response: { header(name: string): string | null } };
type Options = { signal?: AbortSignal | null };
type Body = { stream?: boolean | null };
type Create = (body: Body, options?: Options) => { withResponse(): Promise<Answered> };

/** Clients take whole numbers that a timer can hold. */
const timeoutMsMax = 2 ** 31 - 1;
const toTimeoutMs = (totalMs: number): number => Math.min(timeoutMsMax, Math.max(1, Math.ceil(totalMs)));

/**
 * A client of the transport whose calls are watched: which attempt a call belongs to is known by its `AbortSignal`. It
 * passes the time of the attempt on, tells of headers, and refuses answers that are none to go on with.
 */
export function createAttemptMonitor() {
  // A property of the signal, since the garbage collector spends far more on a WeakMap of all calls.
  const watchKey = Symbol('attempt');
  type Watched = { [watchKey]?: AttemptObserver };

  async function answered(create: Create, body: Body, options: Options | undefined): Promise<Answered> {
    const watch = (options?.signal as Watched | null | undefined)?.[watchKey];
    const own = watch ? { ...options, timeout: toTimeoutMs(watch.totalMs) } : options;
    const answer = await create(body, own).withResponse();
    watch?.headers({ get: (name) => answer.response.header(name) });
    if (body.stream !== true) assertAnswer(answer.data);
    return answer;
  }

  const watched = (create: Create) => (body: Body, options?: Options) => {
    // Whoever asks, by either way, begins the same call once.
    let call: Promise<Answered> | undefined;
    const begin = () => {
      call ??= answered(create, body, options);
      return call;
    };
    return {
      withResponse: begin,
      // biome-ignore lint/suspicious/noThenProperty: the client's promises have more methods than a Promise has
      then: (resolve: (data: unknown) => unknown, reject: (error: unknown) => unknown) =>
        begin()
          .then(({ data }) => data)
          .then(resolve, reject),
    };
  };

  return {
    /** What the SDK's models call instead of the client. */
    wrap(client: OpenAI): OpenAI {
      const { baseURL, responses, chat } = client;
      const create = (of: { create: unknown }) => ({ create: watched((of.create as Create).bind(of)) });
      return {
        baseURL,
        responses: create(responses),
        chat: { completions: create(chat.completions) },
      } as unknown as OpenAI;
    },

    /** From now on calls with this signal belong to this attempt. */
    watch(signal: AbortSignal, watch: AttemptObserver): void {
      (signal as Watched)[watchKey] = watch;
    },
  };
}

/** See `createAttemptMonitor`. */
export type Watch = ReturnType<typeof createAttemptMonitor>;
