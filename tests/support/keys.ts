import type { Answer, ServiceUnderTest } from './service.ts';

/** The first key of services under test. */
export const adminApiKey = 'admin-key-of-the-test';

/** The environment of a service that asks for keys. */
export const keyedEnv = { AUTH_MODE: 'api_key', ADMIN_API_KEY: adminApiKey };

/** The header by which a request shows a key. */
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** A service as the holder of a key sees it. */
export type Holder = {
  readonly headers: { authorization: string };
  request(path: string, init?: RequestInit): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** Asks for a stream; the answer as it comes. */
  stream(body: unknown): Promise<Response>;
};

/** The service as the holder of `key` sees it; by default that of the first key. */
export function holderOf(service: ServiceUnderTest, key = adminApiKey): Holder {
  const own = bearer(key);
  return {
    headers: own,
    request: (path, init = {}) => service.request(path, { ...init, headers: { ...own, ...init.headers } }),
    get: (path, headers = {}) => service.get(path, { ...own, ...headers }),
    post: (path, body, headers = {}) => service.post(path, body, { ...own, ...headers }),
    delete: (path) => service.request(path, { method: 'DELETE', headers: own }),
    stream: (body) =>
      fetch(`${service.url}/api/v1/run/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...own },
        body: JSON.stringify(body),
      }),
  };
}

/** A key that was made for a test: its id, its text, and the service as its holder sees it. */
export type MadeKey = { id: string; text: string; holder: Holder };

/** Makes a key over the API, by default with all scopes. */
export async function makeKey(
  service: ServiceUnderTest,
  body: { tenant: string; scopes?: string[]; [more: string]: unknown },
  by: Holder = holderOf(service),
): Promise<MadeKey> {
  const { status, body: made } = await by.post('/api/v1/keys', { scopes: ['run', 'read', 'admin'], ...body });
  if (status !== 201) throw new Error(`The key was not made: ${status} ${JSON.stringify(made)}`);
  const text = made.key as string;
  return { id: made.key_id as string, text, holder: holderOf(service, text) };
}
