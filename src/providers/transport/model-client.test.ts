/** What both clients promise beyond parity: clocks, aborts, limits, connections; and which of the two it is. */
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

const never = AbortSignal.timeout(60_000);
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

/** The text of a streamed answer. */
async function say(client: ModelClient, signal?: AbortSignal): Promise<string> {
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

/** Sends piece after piece until the connection is closed. */
function goOn(response: ServerResponse, piece: () => string): void {
  const write = (): void => {
    if (!response.destroyed) response.write(piece(), () => setImmediate(write));
  };
  write();
}

/** Resolves when the loop has turned so often that nothing can be on its way any more, unless `progress` goes on. */
async function standstill(progress: () => number): Promise<void> {
  let before = -1;
  for (let turns = 0; turns < 1_000; turns += 1) {
    if (progress() !== before) turns = 0;
    before = progress();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const transports = ['auto', 'openai'] as const;
const apis: ModelApi[] = ['chat_completions', 'responses'];
const begun = { chat_completions: chatChunk({ content: 'x' }), responses: responseBegun + responseDelta('x') };

describe.each(transports)('by MODEL_TRANSPORT=%s', (transport) => {
  test.each(apis)('a provider that does not begin is left when the first byte is overdue (%s)', async (api) => {
    server.respond = () => {};
    const client = clientOf({ api, transport, timeouts: { firstByteTimeoutMs: 60 } });
    const error = await failureOf(say(client));
    expect(error).toMatchObject({ name: 'ModelCallTimeoutError', clock: 'first_byte', limitMs: 60 });
  });

  test.each(apis)('headers and comments are no beginning (%s)', async (api) => {
    server.respond = hang(': still there\n\n');
    const client = clientOf({ api, transport, timeouts: { firstByteTimeoutMs: 60 } });
    expect(await failureOf(say(client))).toMatchObject({ clock: 'first_byte' });
  });

  test.each(apis)('a stream that does not go on is left, whatever comments it sends (%s)', async (api) => {
    let comments = 0;
    server.respond = (response) => {
      hang(begun[api])(response);
      goOn(response, () => {
        comments += 1;
        return ': still there\n\n';
      });
    };
    const client = clientOf({ api, transport, timeouts: { idleTimeoutMs: 300 } });
    const closed = server.closed();
    expect(await failureOf(say(client))).toMatchObject({ clock: 'idle', limitMs: 300 });
    expect(comments).toBeGreaterThan(0);
    await closed;
  });

  test.each(apis)('a stream that goes on for ever is left when the total is over (%s)', async (api) => {
    server.respond = (response) => {
      hang(begun[api])(response);
      const more = api === 'responses' ? responseDelta('y') : chatChunk({ content: 'y' });
      goOn(response, () => more);
    };
    const client = clientOf({ api, transport, timeouts: { idleTimeoutMs: 20_000, totalTimeoutMs: 200 } });
    expect(await failureOf(say(client))).toMatchObject({ clock: 'total' });
  });

  test('an answer in one piece has the total alone', async () => {
    server.respond = () => {};
    const client = clientOf({ transport, timeouts: { firstByteTimeoutMs: 1, idleTimeoutMs: 1, totalTimeoutMs: 80 } });
    const model = await client.getModel('m');
    const error = await failureOf(withTrace('t', () => model.getResponse(requestOf())));
    expect(error).toMatchObject({ clock: 'total' });
  });

  test('a slow answer that keeps within its clocks is whole', async () => {
    server.respond = stream(chatStream('a', 'b', 'c'), [40]);
    const client = clientOf({ transport, timeouts: { firstByteTimeoutMs: 20_000, idleTimeoutMs: 20_000 } });
    expect(await say(client)).toBe('abc');
  });
});

describe('a connection', () => {
  test.each(apis)('is kept for the next calls (%s)', async (api) => {
    const client = clientOf({ api });
    server.respond = stream(api === 'responses' ? responseStream('x') : chatStream('x'));
    for (let call = 0; call < 10; call += 1) expect(await say(client)).toBe('x');
    // undici takes a connection up again one turn of the loop after its last answer: a call at once takes a second.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test('is given up when a stream whose answer is over does not end', async () => {
    const client = clientOf({ api: 'responses' });
    server.respond = hang(responseStream('x'));
    const closed = server.closed();
    expect(await say(client)).toBe('x');
    await closed;
  });

  test('that the server closed in the meantime is replaced before anything is sent', async () => {
    const client = clientOf();
    server.respond = (response) => {
      response.setHeader('connection', 'close');
      stream(chatStream('x'))(response);
    };
    for (let call = 0; call < 3; call += 1) expect(await say(client)).toBe('x');
    expect(server.asked).toHaveLength(3);
  });

  test('that breaks while a call waits is that call’s fault, and is not tried again', async () => {
    const client = clientOf();
    server.respond = (response) => void response.socket?.resetAndDestroy();
    expect(await failureOf(say(client))).toMatchObject({ message: 'Connection error.' });
    expect(server.asked).toHaveLength(1);
  });

  test('is waited for when all are in use', async () => {
    const client = clientOf({ connectionsMax: 2 });
    let waiting: (() => void)[] = [];
    const two = Promise.withResolvers<void>();
    server.respond = (response) => {
      waiting.push(() => stream(chatStream('x'))(response));
      if (waiting.length === 2) two.resolve();
    };
    const calls = [say(client), say(client), say(client)];
    await two.promise;
    expect(server.asked).toHaveLength(2);
    const answer = waiting;
    waiting = [];
    server.respond = stream(chatStream('x'));
    for (const each of answer) each();
    expect(await Promise.all(calls)).toEqual(['x', 'x', 'x']);
    expect(server.connections()).toBe(2);
  });

  test('that is waited for is not waited for after an abort', async () => {
    const client = clientOf({ connectionsMax: 1 });
    const arrived = Promise.withResolvers<void>();
    server.respond = () => arrived.resolve();
    const first = new AbortController();
    const calls = [failureOf(say(client, first.signal))];
    await arrived.promise;
    const second = new AbortController();
    calls.push(failureOf(say(client, second.signal)));
    second.abort(new Error('enough'));
    expect(await calls[1]).toMatchObject({ message: 'Request was aborted.' });
    first.abort();
    await calls[0];
    expect(server.asked).toHaveLength(1);
  });

  test('that is not there in time is a timeout of its own', async () => {
    const sockets: Socket[] = [];
    // It takes connections, and never begins the TLS that would make them usable.
    const silent = createTcpServer((socket) => void sockets.push(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const baseUrl = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const client = clientOf({ baseUrl, timeouts: { connectTimeoutMs: 200 } });
    expect(await failureOf(say(client))).toMatchObject({ name: 'ModelCallTimeoutError', clock: 'connect' });
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

describe('memory', () => {
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

  test('is not filled by a line without an end', async () => {
    const sent = flood('x'.repeat(100_000));
    const client = clientOf({ answerBytesMax: 1_000_000 });
    const closed = server.closed();
    expect(await failureOf(say(client))).toMatchObject({
      name: 'MalformedAnswerError',
      message: expect.stringContaining('more than 1000000 bytes'),
    });
    await closed;
    expect(sent()).toBeLessThan(50_000_000);
  });

  test('is not filled by an answer without an end', async () => {
    const sent = flood(' '.repeat(100_000));
    const client = clientOf({ answerBytesMax: 1_000_000 });
    const model = await client.getModel('m');
    const error = await failureOf(withTrace('t', () => model.getResponse(requestOf())));
    expect(error).toMatchObject({ name: 'MalformedAnswerError' });
    expect(sent()).toBeLessThan(50_000_000);
  });

  test('is not filled where the reader is slower than the provider, and nothing is lost', async () => {
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
    const model = await clientOf().getModel('m');
    let read = 0;
    for await (const event of model.getStreamedResponse(requestOf())) {
      if (event.type !== 'output_text_delta') continue;
      read += 1;
      if (read > 1) continue;
      await standstill(() => written);
      expect(written).toBeLessThan(pieces);
    }
    expect(read).toBe(pieces);
  });
});

describe('the client is', () => {
  const kindOf = (connection: Partial<ModelConnection>) => clientOf(connection).transport;

  test('the lean one for a server that speaks the protocol and nothing else', () => {
    expect(kindOf({})).toBe('lean');
    expect(kindOf({ baseUrl: 'https://api.openai.com/v1', headers: { 'api-key': 'x' } })).toBe('lean');
  });

  test.each<[string, Partial<ModelConnection>]>([
    ['its transport is openai', { transport: 'openai' }],
    ['it is Azure’s dated API', { azure: { apiVersion: '2024-10-21' } }],
    ['somebody else makes the requests', { fetch: globalThis.fetch }],
    ['there is a proxy', { proxyUrl: 'http://127.0.0.1:3128' }],
    ['its key changes', { apiKey: async () => 'sk-2' }],
    ['its URL has a query', { baseUrl: 'http://127.0.0.1/v1?version=1' }],
    ['its URL has credentials', { baseUrl: 'http://user:pass@127.0.0.1/v1' }],
  ])('the openai one where %s', (_, connection) => {
    expect(kindOf(connection)).toBe('openai');
  });

  test('told the key of the moment', async () => {
    let calls = 0;
    server.respond = stream(chatStream('x'));
    const client = clientOf({ apiKey: async () => `sk-${++calls}` });
    await say(client);
    await say(client);
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-1', 'Bearer sk-2']);
  });

  test('one that finds the deployments of Azure', async () => {
    server.respond = stream(chatStream('x'));
    const baseUrl = server.baseUrl.replace('/v1', '');
    expect(await say(clientOf({ baseUrl, azure: { apiVersion: '2024-10-21' } }))).toBe('x');
    expect(server.asked[0]).toMatchObject({
      url: '/openai/deployments/m/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': 'sk-1' },
    });
  });

  test('one that goes through the proxy', async () => {
    await using proxy = await startScriptedServer();
    proxy.respond = stream(chatStream('x'));
    const client = clientOf({ proxyUrl: new URL(proxy.baseUrl).origin });
    expect(await say(client)).toBe('x');
    expect(proxy.asked[0]?.url).toBe(`${server.baseUrl}/chat/completions`);
    expect(server.asked).toEqual([]);
    await client.stop(AbortSignal.abort());
  });
});

describe('a stop', () => {
  test('lets the calls under way end, twice over', async () => {
    const client = clientOf();
    const arrived = Promise.withResolvers<() => void>();
    server.respond = (response) => arrived.resolve(() => stream(chatStream('x'))(response));
    const call = say(client);
    const answer = await arrived.promise;
    const stopped = client.stop(never);
    answer();
    expect(await call).toBe('x');
    await stopped;
    await client.stop(never);
    expect(await failureOf(say(client))).toMatchObject({ message: 'Connection error.' });
  });

  test('that is in a hurry ends them', async () => {
    const client = clientOf();
    const arrived = Promise.withResolvers<void>();
    server.respond = () => arrived.resolve();
    const call = failureOf(say(client));
    await arrived.promise;
    const hurry = new AbortController();
    const stopped = client.stop(hurry.signal);
    hurry.abort();
    await stopped;
    expect(await call).toMatchObject({ message: 'Connection error.' });
  });
});

test('an answer of the Responses API has its text in one piece, as with the openai client', async () => {
  server.respond = json(responseAnswer([messageItem('a'), messageItem('b')]));
  const model = await clientOf({ api: 'responses' }).getModel('m');
  const { providerData } = await withTrace('t', () => model.getResponse(requestOf()));
  expect(providerData).toMatchObject({ output_text: 'ab' });
});

test('a compressed answer, which nobody asked for, is a fault that says so', async () => {
  server.respond = json(chatAnswer({ content: 'x' }), 200, { 'content-encoding': 'gzip' });
  expect(await failureOf(say(clientOf()))).toMatchObject({ message: expect.stringContaining('compressed') });
});

test('a redirect is not followed, since a key must not go where nobody sent it', async () => {
  await using elsewhere = await startScriptedServer();
  server.respond = json('', 307, { location: `${elsewhere.baseUrl}/chat/completions` });
  expect(await failureOf(say(clientOf()))).toMatchObject({ status: 307 });
  expect(elsewhere.asked).toEqual([]);
});

test('a stream that is cut after its answer was whole is an answer', async () => {
  server.respond = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '100000' });
    response.write(responseBegun + responseDelta('x') + responseCompleted([messageItem('x')]), () =>
      response.destroy(),
    );
  };
  expect(await say(clientOf({ api: 'responses' }))).toBe('x');
});
