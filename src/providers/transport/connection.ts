/** The API of the OpenAI protocol that is used with a server. */
export type ModelApi = 'responses' | 'chat_completions';

/** The timeouts of a model call. Null disables one; the others still apply. */
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

/** The connection to a model server. */
export type ModelConnection = {
  /** Such as `https://api.openai.com/v1`. */
  baseUrl: string;
  /** The key, or a function that returns the current key. */
  apiKey: string | (() => Promise<string>);
  api: ModelApi;
  /** Sent with every call. Defaults to none. */
  organization?: string;
  /** Sent with every call. Defaults to none. */
  project?: string;
  /** Additional headers of every call. Defaults to none. */
  headers?: Record<string, string>;
  /** For Azure OpenAI with a dated API version; its `/openai/v1` does not need this. `baseUrl` is that of the resource. */
  azure?: { apiVersion: string };
  /** Sends the requests instead of the transport. */
  fetch?: typeof globalThis.fetch;
  /** The proxy of the connection, such as `http://proxy.internal:3128`. Defaults to none. */
  proxyUrl?: string;
  timeouts?: Partial<ModelTimeouts>;
  /** `openai`: always the `openai` client. `auto`, the default: the lean client if it covers the connection. */
  transport?: 'auto' | 'openai';
  /** The most connections to the server. Further calls wait for a free one; their timeouts run. Defaults to 512. */
  connectionsMax?: number;
  /** The longest answer, and the longest event of a streamed one, in bytes. Defaults to 32 MiB. */
  answerBytesMax?: number;
};

/** The longest answer of a connection in bytes, with its default. */
export const answerBytesMaxOf = ({ answerBytesMax = 32 * 2 ** 20 }: ModelConnection): number => answerBytesMax;

/** The timeouts of a connection, with defaults. */
export const timeoutsOf = ({ timeouts }: ModelConnection): ModelTimeouts => ({ ...timeoutDefaults, ...timeouts });

/**
 * Whether the lean client covers a connection. It does not cover Azure's dated API, a custom `fetch`, proxies, keys that
 * change, and base URLs with a query or credentials.
 */
export function isPlain({ baseUrl, apiKey, azure, fetch, proxyUrl }: ModelConnection): boolean {
  if (typeof apiKey !== 'string' || azure !== undefined || fetch !== undefined || proxyUrl !== undefined) return false;
  const { search, username, password } = new URL(baseUrl);
  return search === '' && username === '' && password === '';
}
