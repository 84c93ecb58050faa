import type OpenAI from 'openai';

/** Options of one call, as the SDK's models give them. */
export type CallOptions = {
  signal?: AbortSignal | null;
  /** Null takes a header away. */
  headers?: Record<string, unknown> | null;
  query?: Record<string, unknown>;
};

/** The body of a call; all else of it is the SDK's. */
export type CallBody = { stream?: boolean | null };

/** An answer with a status of success: its body, or its events. */
export type Answered = {
  data: unknown;
  status: number;
  requestId: string | null;
  headers(): Headers;
  /** One header, where all of them are not worth making. */
  header(name: string): string | null;
};

/** Makes a call of one of the two APIs. */
export type Create = (body: CallBody, options?: CallOptions) => Promise<Answered>;

/** An answer as the `openai` client's promises give it, and as much of these as the SDK's models touch. */
type WithResponse = { data: unknown; request_id: string | null; response: HttpResponse };
type ClientPromise = PromiseLike<unknown> & { withResponse(): Promise<WithResponse> };

/**
 * As much of a `Response` as is asked for. A class, since a getter in an object literal would make a hidden class of its
 * own for each answer, which keeps all that the answer refers to until the next full garbage collection.
 */
class HttpResponse {
  readonly url: string;
  readonly #answered: Answered;

  constructor(url: string, answered: Answered) {
    this.url = url;
    this.#answered = answered;
  }

  get status(): number {
    return this.#answered.status;
  }

  get headers(): Headers {
    return this.#answered.headers();
  }

  header(name: string): string | null {
    return this.#answered.header(name);
  }
}

const toClientPromise = (call: Promise<Answered>, url: string): ClientPromise => ({
  withResponse: () =>
    call.then((answered) => ({
      data: answered.data,
      request_id: answered.requestId,
      response: new HttpResponse(url, answered),
    })),
  // biome-ignore lint/suspicious/noThenProperty: whoever awaits it wants the data alone
  then: (resolve, reject) => call.then(({ data }) => data).then(resolve, reject),
});

/** As much of an `openai` client as the SDK's models touch. */
export function toSdkClient(baseUrl: string, { chat, responses }: { chat: Create; responses: Create }): OpenAI {
  const method = (create: Create, path: string) => (body: CallBody, options?: CallOptions) =>
    toClientPromise(create(body, options), baseUrl.replace(/\/+$/, '') + path);
  const client = {
    baseURL: baseUrl,
    chat: { completions: { create: method(chat, '/chat/completions') } },
    responses: { create: method(responses, '/responses') },
  };
  return client as unknown as OpenAI;
}
