import type OpenAI from 'openai';
import type { HeadersLike } from '../faults/rate-limit-headers.ts';

/** What an attempt passes to its HTTP call, and receives from it. */
export type AttemptObserver = {
  /** The timeout for the client, in ms; a client that supports it can end the call by itself. */
  totalMs: number;
  /** Receives the headers of the answer. */
  onHeaders(headers: HeadersLike): void;
};

type Answer = { data: unknown; response: { header(name: string): string | null } };
type Options = { signal?: AbortSignal | null };
type Body = { stream?: boolean | null };
type Create = (body: Body, options?: Options) => { withResponse(): Promise<Answer> };

/** The largest delay of a timer; clients take whole numbers of ms up to this. */
const timeoutMsMax = 2 ** 31 - 1;
const toTimeoutMs = (totalMs: number): number => Math.min(timeoutMsMax, Math.max(1, Math.ceil(totalMs)));

/**
 * Wraps a client of the transport. The `AbortSignal` of a call says which attempt it belongs to. The wrapped client gets
 * the attempt's timeout, and passes on the headers of the answer.
 */
export function createAttemptMonitor() {
  // A property of the signal, since the garbage collector spends far more on a WeakMap of all calls.
  const observerKey = Symbol('attempt');
  type ObservedSignal = { [observerKey]?: AttemptObserver };

  async function send(create: Create, body: Body, options: Options | undefined): Promise<Answer> {
    const observer = (options?.signal as ObservedSignal | null | undefined)?.[observerKey];
    const ownOptions = observer ? { ...options, timeout: toTimeoutMs(observer.totalMs) } : options;
    const answer = await create(body, ownOptions).withResponse();
    observer?.onHeaders({ get: (name) => answer.response.header(name) });
    return answer;
  }

  const monitored = (create: Create) => (body: Body, options?: Options) => {
    // The call is sent once, with the first use of either method.
    let call: Promise<Answer> | undefined;
    const begin = () => {
      call ??= send(create, body, options);
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
    /** The client that the SDK's models use. */
    wrap(client: OpenAI): OpenAI {
      const { baseURL, responses, chat } = client;
      const create = (of: { create: unknown }) => ({ create: monitored((of.create as Create).bind(of)) });
      return {
        baseURL,
        responses: create(responses),
        chat: { completions: create(chat.completions) },
      } as unknown as OpenAI;
    },

    /** Assigns the calls with this signal to an attempt. */
    observe(signal: AbortSignal, observer: AttemptObserver): void {
      (signal as ObservedSignal)[observerKey] = observer;
    },
  };
}

/** See `createAttemptMonitor`. */
export type AttemptMonitor = ReturnType<typeof createAttemptMonitor>;
