import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChangeSignal } from './change-signal.ts';
import { readText } from './json-body.ts';
import type { RecordedRequest, Stats } from './recorder.ts';
import type { ScriptEntry } from './reply.ts';
import type { State } from './state.ts';

/** How long one request for the next change waits at most. */
const longPollMsMax = 20_000;

/** The counts, and how many replies wait at each hold. */
export type ProviderStats = Stats & { held: Record<string, number> };

/** What `GET /__control/state` answers. */
export type ProviderSnapshot = { version: number; stats: ProviderStats; requests: RecordedRequest[] };

/** What the control routes act on. */
export type ControlDeps = {
  state: () => State;
  signal: ChangeSignal;
  /** Forgets everything and drops what is under way. */
  reset: () => void;
  /** Closes the API's port; connections are refused from then on. */
  down: () => Promise<void>;
  /** Opens the API's port again. */
  up: () => Promise<void>;
};

/**
 * The routes under `/__control` by which a test says what is answered and asks what was received:
 * `POST script` (an entry or a list), `POST release` `{name, count?}`, `POST reset`, `POST down`, `POST up`,
 * `GET stats`, `GET requests`, `GET state?after=<version>` (waits for a change after that version).
 */
export function createControl({ state, signal, reset, down, up }: ControlDeps) {
  const stats = (): ProviderStats => ({ ...state().recorder.stats(), held: state().holds.waiting() });

  const snapshot = async (after: string | null): Promise<ProviderSnapshot> => {
    if (after !== null) await signal.past(Number(after), longPollMsMax);
    return { version: signal.version(), stats: stats(), requests: [...state().recorder.requests()] };
  };

  const post: Record<string, (body: string) => Promise<void> | void> = {
    script: (body) => state().script.add([JSON.parse(body)].flat() as ScriptEntry[]),
    release: (body) => {
      const { name, count } = JSON.parse(body) as { name: string; count?: number };
      state().holds.release(name, count);
    },
    reset,
    down,
    up,
  };

  const get: Record<string, (query: URLSearchParams) => unknown> = {
    stats,
    requests: () => state().recorder.requests(),
    state: (query) => snapshot(query.get('after')),
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const name = url.pathname.replace('/__control/', '');
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      const body = await readText(request);
      if (request.method === 'POST' && post[name]) send(200, (await post[name](body)) ?? {});
      else if (request.method === 'GET' && get[name]) send(200, await get[name](url.searchParams));
      else send(404, { error: `No such control route: ${request.method} ${url.pathname}` });
    } catch (error) {
      send(400, { error: String(error) });
    }
  };
}
