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

/** An answer as the `openai` client's promises give it. */
type WithResponse = {
  data: unknown;
  request_id: string | null;
  response: { url: string; status: number; readonly headers: Headers; header(name: string): string | null };
};
type ClientPromise = Promise<unknown> & { withResponse(): Promise<WithResponse> };

function toClientPromise(call: Promise<Answered>, url: string): ClientPromise {
  const promise = call.then(({ data }) => data);
  const withResponse = async () => {
    await promise; // so that its rejection is handled
    const { data, status, requestId, headers, header } = await call;
    const response = {
      url,
      status,
      get headers() {
        return headers();
      },
      header,
    };
    return { data, request_id: requestId, response };
  };
  return Object.assign(promise, { withResponse });
}

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
