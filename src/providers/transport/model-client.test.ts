// tidy: long because it has the guarantees of both clients
/** The guarantees of both clients beyond parity: timeouts, aborts, limits, connections; and the choice of the client. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { setTracingDisabled, withTrace } from '@openai/agents';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  chatAnswer,
  chatChunk,
  chatStream,
  messageItem,
  responseAnswer,
  responseBegun,
  responseCompleted,
  responseDelta,
  responseStream,
} from '../../../tests/support/model-answers.ts';
import { requestOf } from '../../../tests/support/model-calls.ts';
import {
  hang,
  json,
  type ScriptedServer,
  startScriptedServer,
  stream,
} from '../../../tests/support/scripted-server.ts';
import type { ModelApi, ModelConnection } from './connection.ts';
import { createModelClient, type ModelClient } from './model-client.ts';

setTracingDisabled(true);

const farDeadline = AbortSignal.timeout(60_000);
let server: ScriptedServer;
const clients: ModelClient[] = [];

beforeEach(async () => {
  server = await startScriptedServer();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  for (const client of clients.splice(0)) await client.stop(AbortSignal.abort());
});

function clientOf(connection: Partial<ModelConnection> = {}): ModelClient {
  const client = createModelClient({ baseUrl: server.baseUrl, apiKey: 'sk-1', api: 'chat_completions', ...connection });
  clients.push(client);
  return client;
}

/** Streams an answer and reticks its text. */
async function streamText(client: ModelClient, signal?: AbortSignal): Promise<string> {
  const model = await client.getModel('m');
  let text = '';
  for await (const event of model.getStreamedResponse(requestOf({ signal }))) {
    if (event.type === 'output_text_delta') text += event.delta;
  }
  return text;
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  );

/** Writes pieces until the connection is closed. */
function writeForever(response: ServerResponse, piece: () => string): void {
  const write = (): void => {
    if (!response.destroyed) response.write(piece(), () => setImmediate(write));
  };
  write();
}

/** Resolves once `progress` has not changed for 1,000 ticks of the event loop, so that no data is in transit. */
async function waitForStandstill(progress: () => number): Promise<void> {
  let before = -1;
  for (let ticks = 0; ticks < 1_000; ticks += 1) {
    if (progress() !== before) ticks = 0;
    before = progress();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const transports = ['auto', 'openai'] as const;
const apis: ModelApi[] = ['chat_completions', 'responses'];
const begun = { chat_completions: chatChunk({ content: 'x' }), responses: responseBegun + responseDelta('x') };

describe.each(transports)('by MODEL_TRANSPORT=%s', (transport) => {
  test.each(apis)('a provider that does not begin is abandoned at the first-byte timeout (%s)', async (api) => {
    server.respond = () => {};
    const client = clientOf({ api, transport, timeouts: { firstByteTimeoutMs: 60 } });
    const error = await failureOf(streamText(client));
    expect(error).toMatchObject({ name: 'ModelCallTimeoutError', clock: 'first_byte', limitMs: 60 });
  });

  const signsOfLife = [': still there\n\n', 'data:\n\n', 'data: null\n\n', 'data: {}\n\n', 'event: ping\ndata: {}\n\n'];

  test.each(apis)('headers, comments and other signs of life do not count as the first byte (%s)', async (api) => {
    server.respond = hang(signsOfLife.join(''));
    const client = clientOf({ api, transport, timeouts: { firstByteTimeoutMs: 60 } });
    expect(await failureOf(streamText(client))).toMatchObject({ clock: 'first_byte' });
  });

  test.each(apis.flatMap((api) => signsOfLife.map((sign) => [api, sign] as const)))(
    'a stream that stalls is abandoned at the idle timeout, also if it sends signs of life (%s, %j)',
    async (api, sign) => {
      let signs = 0;
      server.respond = (response) => {
        hang(begun[api])(response);
        writeForever(response, () => {
          signs += 1;
          return sign;
        });
      };
      const client = clientOf({ api, transport, timeouts: { idleTimeoutMs: 300 } });
      const closed = server.closed();
      expect(await failureOf(streamText(client))).toMatchObject({ clock: 'idle', limitMs: 300 });
      expect(signs).toBeGreaterThan(0);
      await closed;
    },
  );

  test.each(apis)('a stream that never ends is abandoned at the total timeout (%s)', async (api) => {
    server.respond = (response) => {
      hang(begun[api])(response);
      const more = api === 'responses' ? responseDelta('y') : chatChunk({ content: 'y' });
      writeForever(response, () => more);
    };
    const client = clientOf({ api, transport, timeouts: { idleTimeoutMs: 20_000, totalTimeoutMs: 200 } });
    expect(await failureOf(streamText(client))).toMatchObject({ clock: 'total' });
  });

  test('an answer that is not streamed has only the total timeout', async () => {
    server.respond = () => {};
    const client = clientOf({ transport, timeouts: { firstByteTimeoutMs: 1, idleTimeoutMs: 1, totalTimeoutMs: 80 } });
    const model = await client.getModel('m');
    const error = await failureOf(withTrace('t', () => model.getResponse(requestOf())));
    expect(error).toMatchObject({ clock: 'total' });
  });

  test('a slow answer within its timeouts is complete', async () => {
    server.respond = stream(chatStream('a', 'b', 'c'), [40]);
    const client = clientOf({ transport, timeouts: { firstByteTimeoutMs: 20_000, idleTimeoutMs: 20_000 } });
    expect(await streamText(client)).toBe('abc');
  });
});

describe('a connection', () => {
  test.each(apis)('is kept for the next calls (%s)', async (api) => {
    const client = clientOf({ api });
    server.respond = stream(api === 'responses' ? responseStream('x') : chatStream('x'));
    for (let call = 0; call < 10; call += 1) expect(await streamText(client)).toBe('x');
    // undici reuses a connection one tick after its last answer: a call before that opens a second connection.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test('is closed if a stream does not end after its answer is complete', async () => {
    const client = clientOf({ api: 'responses' });
    server.respond = hang(responseStream('x'));
    const closed = server.closed();
    expect(await streamText(client)).toBe('x');
    await closed;
  });

  test('that the server closed in the meantime is replaced before anything is sent', async () => {
    const client = clientOf();
    server.respond = (response) => {
      response.setHeader('connection', 'close');
      stream(chatStream('x'))(response);
    };
    for (let call = 0; call < 3; call += 1) expect(await streamText(client)).toBe('x');
    expect(server.asked).toHaveLength(3);
  });

  test('that breaks during a call fails the call, which is not retried', async () => {
    const client = clientOf();
    server.respond = (response) => void response.socket?.resetAndDestroy();
    expect(await failureOf(streamText(client))).toMatchObject({ message: 'Connection error.' });
    expect(server.asked).toHaveLength(1);
  });

  test('is waited for if all are in use', async () => {
    const client = clientOf({ connectionsMax: 2 });
    let pendingAnswers: (() => void)[] = [];
    const two = Promise.withResolvers<void>();
    server.respond = (response) => {
      pendingAnswers.push(() => stream(chatStream('x'))(response));
      if (pendingAnswers.length === 2) two.resolve();
    };
    const calls = [streamText(client), streamText(client), streamText(client)];
    await two.promise;
    expect(server.asked).toHaveLength(2);
    const answers = pendingAnswers;
    pendingAnswers = [];
    server.respond = stream(chatStream('x'));
    for (const answer of answers) answer();
    expect(await Promise.all(calls)).toEqual(['x', 'x', 'x']);
    expect(server.connections()).toBe(2);
  });

  test('is no longer waited for after an abort', async () => {
    const client = clientOf({ connectionsMax: 1 });
    const arrived = Promise.withResolvers<void>();
    server.respond = () => arrived.resolve();
    const first = new AbortController();
    const calls = [failureOf(streamText(client, first.signal))];
    await arrived.promise;
    const second = new AbortController();
    calls.push(failureOf(streamText(client, second.signal)));
    second.abort(new Error('enough'));
    expect(await calls[1]).toMatchObject({ message: 'Request was aborted.' });
    first.abort();
    await calls[0];
    expect(server.asked).toHaveLength(1);
  });

  test('that is not established in time fails with the connect timeout', async () => {
    const sockets: Socket[] = [];
    // It accepts connections, but never answers the TLS handshake.
    const silentServer = createTcpServer((socket) => void sockets.push(socket.on('error', () => {})));
    silentServer.listen(0, '127.0.0.1');
    await once(silentServer, 'listening');
    const baseUrl = `https://127.0.0.1:${(silentServer.address() as AddressInfo).port}/v1`;
    const client = clientOf({ baseUrl, timeouts: { connectTimeoutMs: 200 } });
    expect(await failureOf(streamText(client))).toMatchObject({ name: 'ModelCallTimeoutError', clock: 'connect' });
    for (const socket of sockets) socket.destroy();
    silentServer.close();
  });
});

describe.each(transports)('memory, by MODEL_TRANSPORT=%s,', (transport) => {
  const flood = (piece: string) => {
    let sent = 0;
    server.respond = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const write = (): void => {
        while (sent < 100_000_000) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    };
    return () => sent;
  };

  test('is not filled by an endless line', async () => {
    const sent = flood('x'.repeat(100_000));
    const client = clientOf({ answerBytesMax: 1_000_000, transport });
    const closed = server.closed();
    expect(await failureOf(streamText(client))).toMatchObject({
      name: 'MalformedAnswerError',
      message: expect.stringContaining('more than 1000000 bytes'),
    });
    await closed;
    expect(sent()).toBeLessThan(50_000_000);
  });

  test('is not filled by an endless answer', async () => {
    const sent = flood(' '.repeat(100_000));
    const client = clientOf({ answerBytesMax: 1_000_000, transport });
    const model = await client.getModel('m');
    const error = await failureOf(withTrace('t', () => model.getResponse(requestOf())));
    expect(error).toMatchObject({ name: 'MalformedAnswerError' });
    expect(sent()).toBeLessThan(50_000_000);
  });

  test('is not filled if the reader is slower than the provider, and no event is lost', async () => {
    const piece = chatChunk({ content: 'y'.repeat(1_000) });
    const pieces = 20_000;
    let written = 0;
    server.respond = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const write = (): void => {
        while (written < pieces) {
          written += 1;
          if (!response.write(piece)) return void response.once('drain', write);
        }
        response.end(chatChunk({}, 'stop'));
      };
      write();
    };
    const model = await clientOf({ transport }).getModel('m');
    let read = 0;
    for await (const event of model.getStreamedResponse(requestOf())) {
      if (event.type !== 'output_text_delta') continue;
      read += 1;
      if (read > 1) continue;
      await waitForStandstill(() => written);
      expect(written).toBeLessThan(pieces);
    }
    expect(read).toBe(pieces);
  });
});

describe('the client is', () => {
  const kindOf = (connection: Partial<ModelConnection>) => clientOf(connection).transport;

  test('the lean one for a plain server', () => {
    expect(kindOf({})).toBe('lean');
    expect(kindOf({ baseUrl: 'https://api.openai.com/v1', headers: { 'api-key': 'x' } })).toBe('lean');
  });

  test.each<[string, Partial<ModelConnection>]>([
    ['its transport is openai', { transport: 'openai' }],
    ['it is Azure’s dated API', { azure: { apiVersion: '2024-10-21' } }],
    ['it has a custom fetch', { fetch: globalThis.fetch }],
    ['it has a proxy', { proxyUrl: 'http://127.0.0.1:3128' }],
    ['its key changes', { apiKey: async () => 'sk-2' }],
    ['its URL has a query', { baseUrl: 'http://127.0.0.1/v1?version=1' }],
    ['its URL has credentials', { baseUrl: 'http://user:pass@127.0.0.1/v1' }],
  ])('the openai one if %s', (_, connection) => {
    expect(kindOf(connection)).toBe('openai');
  });

  test('given the current key for each call', async () => {
    let calls = 0;
    server.respond = stream(chatStream('x'));
    const client = clientOf({ apiKey: async () => `sk-${++calls}` });
    await streamText(client);
    await streamText(client);
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-1', 'Bearer sk-2']);
  });

  test('able to call the deployments of Azure', async () => {
    server.respond = stream(chatStream('x'));
    const baseUrl = server.baseUrl.replace('/v1', '');
    expect(await streamText(clientOf({ baseUrl, azure: { apiVersion: '2024-10-21' } }))).toBe('x');
    expect(server.asked[0]).toMatchObject({
      url: '/openai/deployments/m/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': 'sk-1' },
    });
  });

  test('connected through the proxy', async () => {
    await using proxy = await startScriptedServer();
    proxy.respond = stream(chatStream('x'));
    const client = clientOf({ proxyUrl: new URL(proxy.baseUrl).origin });
    expect(await streamText(client)).toBe('x');
    expect(proxy.asked[0]?.url).toBe(`${server.baseUrl}/chat/completions`);
    expect(server.asked).toEqual([]);
    await client.stop(AbortSignal.abort());
  });
});

describe('a stop', () => {
  test('lets active calls finish, and can be repeated', async () => {
    const client = clientOf();
    const arrived = Promise.withResolvers<() => void>();
    server.respond = (response) => arrived.resolve(() => stream(chatStream('x'))(response));
    const call = streamText(client);
    const answer = await arrived.promise;
    const stopped = client.stop(farDeadline);
    answer();
    expect(await call).toBe('x');
    await stopped;
    await client.stop(farDeadline);
    expect(await failureOf(streamText(client))).toMatchObject({ message: 'Connection error.' });
  });

  test('whose deadline has passed ends active calls', async () => {
    const client = clientOf();
    const arrived = Promise.withResolvers<void>();
    server.respond = () => arrived.resolve();
    const call = failureOf(streamText(client));
    await arrived.promise;
    const deadline = new AbortController();
    const stopped = client.stop(deadline.signal);
    deadline.abort();
    await stopped;
    expect(await call).toMatchObject({ message: 'Connection error.' });
  });
});

test('an answer of the Responses API has its joined text, as with the openai client', async () => {
  server.respond = json(responseAnswer([messageItem('a'), messageItem('b')]));
  const model = await clientOf({ api: 'responses' }).getModel('m');
  const { providerData } = await withTrace('t', () => model.getResponse(requestOf()));
  expect(providerData).toMatchObject({ output_text: 'ab' });
});

test.each(transports)(
  'an answer in one piece tells whether it says how it ended, by MODEL_TRANSPORT=%s',
  async (transport) => {
    const ends: unknown[] = [];
    const connection = { baseUrl: server.baseUrl, apiKey: 'sk-1', api: 'chat_completions', transport } as const;
    const client = createModelClient(connection, (sdk) => {
      const create = sdk.chat.completions.create.bind(sdk.chat.completions) as (body: object) => {
        withResponse(): Promise<{ data: unknown; response: { end?: unknown } }>;
      };
      const watched = async (body: object) => {
        const { data, response } = await create(body).withResponse();
        ends.push(response.end);
        return data;
      };
      return { ...sdk, chat: { completions: { create: watched } } } as unknown as typeof sdk;
    });
    clients.push(client);
    const model = await client.getModel('m');
    for (const reason of ['stop', '']) {
      server.respond = json(chatAnswer({ content: 'x' }, reason));
      await withTrace('t', () => model.getResponse(requestOf()));
    }
    expect(ends).toEqual(['stated', 'unstated']);
  },
);

test('a compressed answer, which was not requested, is a fault that says so', async () => {
  server.respond = json(chatAnswer({ content: 'x' }), 200, { 'content-encoding': 'gzip' });
  expect(await failureOf(streamText(clientOf()))).toMatchObject({ message: expect.stringContaining('compressed') });
});

test('a redirect is not followed, so that the key is not sent to another server', async () => {
  await using elsewhere = await startScriptedServer();
  server.respond = json('', 307, { location: `${elsewhere.baseUrl}/chat/completions` });
  expect(await failureOf(streamText(clientOf()))).toMatchObject({ status: 307 });
  expect(elsewhere.asked).toEqual([]);
});

test('a stream that is cut after its answer is complete is a valid answer', async () => {
  server.respond = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '100000' });
    response.write(responseBegun + responseDelta('x') + responseCompleted([messageItem('x')]), () =>
      response.destroy(),
    );
  };
  expect(await streamText(clientOf({ api: 'responses' }))).toBe('x');
});
