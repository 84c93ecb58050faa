import { Pool } from 'undici';
import { jsonInSlices } from '../../platform/json-slices.ts';
import type { Service } from '../../platform/lifecycle.ts';
import { inSlices, type Slices } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { answerBytesMaxOf, type ModelApi, type ModelConnection, timeoutsOf } from './connection.ts';
import { exchange } from './exchange.ts';
import { normaliseRequest } from './normalise/index.ts';
import { type ApiMethod, type CallOptions, toSdkClient } from './sdk-client.ts';

/** A client of either kind: the part that the SDK uses, and the stop. */
export type Client = { sdk: ReturnType<typeof toSdkClient>; stop: Service['stop'] };

const connectionsDefault = 512;

type Headers = Record<string, string>;

function mergeHeaders(base: Headers, overrides: CallOptions['headers']): Headers {
  const headers = { ...base };
  for (const [name, value] of Object.entries(overrides ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else if (value !== undefined) headers[name.toLowerCase()] = String(value);
  }
  return headers;
}

function queryOf(query: CallOptions['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'object' && value !== null) {
      throw new TypeError(`The query parameter "${name}" is no plain value; MODEL_TRANSPORT=openai can send it.`);
    }
    return [`${encodeURIComponent(name)}=${value === null ? '' : encodeURIComponent(String(value))}`];
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function headersOf({ apiKey, organization, project, headers }: ModelConnection): Headers {
  const base: Headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    authorization: `Bearer ${apiKey}`,
  };
  if (organization) base['openai-organization'] = organization;
  if (project) base['openai-project'] = project;
  return mergeHeaders(base, headers);
}

/** A large body as bytes. */
function* bytesInSlices(body: object): Slices<Buffer> {
  const text = yield* jsonInSlices(body);
  yield;
  return Buffer.from(text);
}

/**
 * The client of plain servers: a pool of keep-alive connections, and one pass over each answer. It never sends a call
 * twice. Only a kept connection that turns out to be closed before anything was written to it is replaced by a new one.
 */
export function createLeanClient(connection: ModelConnection): Client {
  const { baseUrl, connectionsMax = connectionsDefault } = connection;
  const { origin, pathname } = new URL(baseUrl);
  const timeouts = timeoutsOf(connection);
  const limits = { timeouts, answerBytesMax: answerBytesMaxOf(connection) };
  const base = headersOf(connection);
  // Idle connections are closed after 4 s, undici's default: many servers close theirs after 5 s, and a call that is sent
  // at that moment fails. A keep-alive timeout that the server sends takes precedence.
  const pool = new Pool(origin, { connections: connectionsMax, connect: { timeout: timeouts.connectTimeoutMs } });

  const create =
    (api: ModelApi, path: string): ApiMethod =>
    async (body, { signal = null, headers, query } = {}) => {
      const normalised = normaliseRequest(api, body);
      const request = {
        method: 'POST' as const,
        path: pathname.replace(/\/+$/, '') + path + queryOf(query),
        headers: mergeHeaders(base, headers),
        body: isHeavy(normalised) ? await inSlices(bytesInSlices(normalised)) : JSON.stringify(normalised),
        // The timeouts of undici are disabled: they also count comments as data, and have a resolution of a second.
        headersTimeout: 0,
        bodyTimeout: 0,
      };
      const call = { api, streamed: body.stream === true, signal };
      return exchange(call, limits, (handler) => void pool.dispatch(request, handler));
    };

  return {
    sdk: toSdkClient(baseUrl, {
      chat: create('chat_completions', '/chat/completions'),
      responses: create('responses', '/responses'),
    }),
    async stop(deadline) {
      if (pool.destroyed) return;
      const destroy = () => void pool.destroy();
      deadline.addEventListener('abort', destroy, { once: true });
      try {
        await (pool.closed || deadline.aborted ? pool.destroy() : pool.close());
      } finally {
        deadline.removeEventListener('abort', destroy);
      }
    },
  };
}
