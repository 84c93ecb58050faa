/** Which of the two APIs of the OpenAI protocol a server is spoken to in. */
export type ModelApi = 'responses' | 'chat_completions';

/** How long a call of a model may take. Null: no limit of this kind; the others still hold. */
export type ModelTimeouts = {
  /** Until there is a connection, TLS included. Defaults to 10 s. */
  connectTimeoutMs: number;
  /** From the call to the first event of a streamed answer; comments do not count. Defaults to null. */
  firstByteTimeoutMs: number | null;
  /** Between two events of a streamed answer; comments do not count. Defaults to null. */
  idleTimeoutMs: number | null;
  /** From the call to the end of the answer, streamed or not. Defaults to 10 minutes. */
  totalTimeoutMs: number | null;
};

const timeoutDefaults: ModelTimeouts = {
  connectTimeoutMs: 10_000,
  firstByteTimeoutMs: null,
  idleTimeoutMs: null,
  totalTimeoutMs: 600_000,
};

/** A server of models, and how it is reached. */
export type ModelConnection = {
  /** Such as `https://api.openai.com/v1`. */
  baseUrl: string;
  /** The key, or a function that gives the key of the moment. */
  apiKey: string | (() => Promise<string>);
  api: ModelApi;
  /** Sent with every call. Defaults to none. */
  organization?: string;
  /** Sent with every call. Defaults to none. */
  project?: string;
  /** More headers for every call. Defaults to none. */
  headers?: Record<string, string>;
  /** For Azure OpenAI with its dated API; its `/openai/v1` needs none of this. `baseUrl` is then the resource's. */
  azure?: { apiVersion: string };
  /** Makes the requests instead of the transport. */
  fetch?: typeof globalThis.fetch;
  /** The proxy to go through, such as `http://proxy.internal:3128`. Defaults to none. */
  proxyUrl?: string;
  timeouts?: Partial<ModelTimeouts>;
  /** `openai`: always the `openai` client. `auto`, the default: the lean one wherever it will do. */
  transport?: 'auto' | 'openai';
  /** Connections to the server at once; calls beyond wait for a free one, on their own clocks. Defaults to 512. */
  connectionsMax?: number;
  /** The longest answer, and the longest event of a streamed one, in bytes. Defaults to 32 MiB. */
  answerBytesMax?: number;
};

/** The limits of a connection, defaults filled in. */
export const timeoutsOf = ({ timeouts }: ModelConnection): ModelTimeouts => ({ ...timeoutDefaults, ...timeouts });

/**
 * Whether the lean client covers a connection. What it does not: Azure's dated API, requests that somebody else makes,
 * proxies, keys that change, and base URLs with a query or credentials.
 */
export function isPlain({ baseUrl, apiKey, azure, fetch, proxyUrl }: ModelConnection): boolean {
  if (typeof apiKey !== 'string' || azure !== undefined || fetch !== undefined || proxyUrl !== undefined) return false;
  const { search, username, password } = new URL(baseUrl);
  return search === '' && username === '' && password === '';
}
