import type OpenAI from 'openai';

/** Options of one call, as the SDK's models pass them. */
export type CallOptions = {
  signal?: AbortSignal | null;
  /** Null removes a header. */
  headers?: Record<string, unknown> | null;
  query?: Record<string, unknown>;
};

/** The body of a call; only `stream` is read here. */
export type CallBody = { stream?: boolean | null };

/** A successful response: its body, or its events. */
export type ApiAnswer = {
  data: unknown;
  status: number;
  requestId: string | null;
  /** Whether an answer in one piece says how it ended, or is whole only because its JSON is. `stated` for a stream. */
  end: 'stated' | 'unstated';
  headers(): Headers;
  /** Reads one header without creating all of them. */
  header(name: string): string | null;
};

/** Calls one of the two APIs. */
export type ApiMethod = (body: CallBody, options?: CallOptions) => Promise<ApiAnswer>;

/** The part of the `openai` client's promises, and of their results, that the SDK's models use. */
type WithResponse = { data: unknown; request_id: string | null; response: HttpResponse };
type ClientPromise = PromiseLike<unknown> & { withResponse(): Promise<WithResponse> };

/**
 * The part of a `Response` that is used. A class, since a getter in an object literal would create a hidden class for
 * each answer, which retains everything that the answer refers to until the next full garbage collection.
 */
class HttpResponse {
  readonly url: string;
  readonly #answered: ApiAnswer;

  constructor(url: string, answered: ApiAnswer) {
    this.url = url;
    this.#answered = answered;
  }

  get status(): number {
    return this.#answered.status;
  }

  /** See `ApiAnswer`. */
  get end(): ApiAnswer['end'] {
    return this.#answered.end;
  }

  get headers(): Headers {
    return this.#answered.headers();
  }

  header(name: string): string | null {
    return this.#answered.header(name);
  }
}

const toClientPromise = (call: Promise<ApiAnswer>, url: string): ClientPromise => ({
  withResponse: () =>
    call.then((answered) => ({
      data: answered.data,
      request_id: answered.requestId,
      response: new HttpResponse(url, answered),
    })),
  // biome-ignore lint/suspicious/noThenProperty: awaiting it resolves with the data alone
  then: (resolve, reject) => call.then(({ data }) => data).then(resolve, reject),
});

/** The part of an `openai` client that the SDK's models use. */
export function toSdkClient(baseUrl: string, { chat, responses }: { chat: ApiMethod; responses: ApiMethod }): OpenAI {
  const method = (create: ApiMethod, path: string) => (body: CallBody, options?: CallOptions) =>
    toClientPromise(create(body, options), baseUrl.replace(/\/+$/, '') + path);
  const client = {
    baseURL: baseUrl,
    chat: { completions: { create: method(chat, '/chat/completions') } },
    responses: { create: method(responses, '/responses') },
  };
  return client as unknown as OpenAI;
}
