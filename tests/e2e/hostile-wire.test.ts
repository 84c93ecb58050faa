import { type AddressInfo, connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBareServer } from '../support/bare-server.ts';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

/** A connection that sends raw text and collects the answer. */
function open(url: string) {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {}); // a reset after the answer is an end too
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return {
    socket,
    /** What came until the server ended the connection. */
    answer: async (): Promise<string> => {
      await closed;
      return received;
    },
  };
}

/** Answers in a row that a client may lose which still sends when the service closes the connection. */
const lostAnswersMax = 50;

const head = 'POST /api/v1/run HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n';

describe.each(engines)('what arrives by the wire, on $name', ({ open: openEngine }) => {
  let engine: EngineUnderTest;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    engine = await openEngine();
    service = await startService({ env: engine.env });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const send = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    service.request('/api/v1/run', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  /** Sends twenty megabytes in pieces for as long as the connection lasts. Resolves with the answer. */
  async function sendTwentyMegabytes(): Promise<string> {
    const { socket, answer } = open(service.url);
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    const piece = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 320 && !socket.destroyed; sent += 1) {
      if (socket.write(piece)) continue;
      await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve)); // it may be over meanwhile
    }
    return answer();
  }

  test('twenty megabytes in pieces, without a length, are refused once they are too many', async () => {
    let answer = '';
    // A client whose write meets the closed connection first never reads the answer (RFC 9112, section 9.6).
    for (let attempt = 1; answer === '' && attempt <= lostAnswersMax; attempt += 1)
      answer = await sendTwentyMegabytes();
    expect(answer).toMatch(/^HTTP\/1.1 413 [\s\S]*payload_too_large/);
  });

  test('a body that ends before its length says so is no request', async () => {
    const { socket, answer } = open(service.url);
    socket.end(`${head}content-length: 500\r\n\r\n{"message":"Hi"`);
    expect(await answer()).not.toMatch(/^HTTP\/1.1 2/);
  });

  test('a body that goes on after its length is cut there', async () => {
    const { socket, answer } = open(service.url);
    socket.write(`${head}content-length: 5\r\n\r\n{"message":"Hi"}`);
    expect(await answer()).toMatch(/^HTTP\/1.1 400 [\s\S]*malformed_json/);
  });

  test('two thousand headers are refused', async () => {
    const { socket, answer } = open(service.url);
    const headers = Array.from({ length: 2_000 }, (_, n) => `x${n}: 1\r\n`).join('');
    socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`);
    expect(await answer()).toMatch(/^HTTP\/1.1 431 /);
  });

  test('what is compressed is refused unread, however small it is', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    const { status, body } = await send(new Uint8Array(bomb), { 'content-encoding': 'gzip' });
    expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
  });

  test('a byte order mark is not read as a part of the JSON', async () => {
    const { status, body } = await send('\uFEFF{"message":"Hi"}');
    expect([status, body.status]).toEqual([200, 'completed']); // it is dropped, as by every reader of UTF-8
  });

  test('lone surrogates and other odd characters come back as they went in', async () => {
    const message = 'a\ud800b \u2028 \u0007 \u202e é 👩‍🚀';
    const { status, body } = await send(JSON.stringify({ message, metadata: { note: message } }));
    expect(status).toBe(200);
    const run = (await service.get(`/api/v1/runs/${body.run_id}`)).body;
    expect([run.message, run.metadata]).toEqual([message, { note: message }]);
  });

  test('NUL is refused in a message, and kept in metadata', async () => {
    expect((await send('{"message":"a\\u0000b"}')).status).toBe(422);
    const { status, body } = await send('{"message":"Hi","metadata":{"note":"a\\u0000b"}}');
    expect(status).toBe(200);
    expect((await service.get(`/api/v1/runs/${body.run_id}`)).body.metadata).toEqual({ note: 'a\0b' });
  });

  test('figures, sources and traces are nowhere to be had on the port of the API', async () => {
    const paths = ['/metrics', '/status', '/.env', '/package.json', '/dist/index.js.map', '/docs/%2e%2e/package.json'];
    for (const path of paths) expect((await service.get(path)).status, path).toBe(404);
    const { text } = await send('{"message":');
    expect(text).not.toMatch(/node_modules|\.js:\d+|at /);
  });

  test('after all of this the service is well', async () => {
    expect((await service.get('/healthz')).body).toEqual({ status: 'healthy' });
    expect(service.logLines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});

describe('a request that does not arrive in time', () => {
  test.each([
    ['with headers that trickle in', 'POST /api/v1/run HTTP/1.1\r\nhost: x\r\nx-a'],
    ['with a body that trickles in', `${head}content-length: 500\r\n\r\n{"mess`],
  ])('%s is ended with 408', async (_, bytes) => {
    const app = await buildBareServer({}, { headersMs: 200, requestMs: 400, checkMs: 50 });
    try {
      await app.listen({ host: '127.0.0.1', port: 0 });
      const { socket, answer } = open(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
      socket.write(bytes);
      expect(await answer()).toMatch(/^HTTP\/1.1 408 [\s\S]*request_timeout/);
    } finally {
      await app.close();
    }
  });
});
