import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createAddressRule } from '../platform/http/public-address.ts';
import { answerBytesMax, createSender, type Resolve, type SenderDeps } from './sender.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const sendThanks: Answer = (response) => response.end('sendThankss');

/** A receiver on addresses of this machine, with the requests that it got. */
async function startReceiver(answer: Answer = sendThanks, hosts = ['127.0.0.1']) {
  const received: { localAddress: string | undefined; request: IncomingMessage; body: string }[] = [];
  const servers: Server[] = [];
  let port = 0;
  for (const host of hosts) {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      received.push({ localAddress: request.socket.localAddress, request, body });
      answer(response, request);
    });
    server.listen(port, host);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  return {
    port,
    received,
    url: `http://127.0.0.1:${port}/hook`,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

const never = new AbortController().signal;
const clock = { nowMs: () => 1_790_000_000_000 };
const loopback = createAddressRule(['127.0.0.0/8']);
const message = { headers: { 'webhook-id': 'whk_1' }, body: '{"n":"é"}' };

const sendTo = (url: string, deps: Partial<SenderDeps> = {}, signal = never) =>
  createSender({ isAllowed: loopback, clock, ...deps })({ ...message, url }, signal);

/** A resolver that answers with these addresses, one list per lookup; the last list is repeated. */
function resolverFor(...answers: string[][]) {
  const lookups: string[] = [];
  const resolve: Resolve = (host, _options, done) => {
    const addresses = answers[Math.min(lookups.length, answers.length - 1)] ?? [];
    lookups.push(host);
    done(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { lookups, resolve };
}

describe('a message', () => {
  test('is sent once, as JSON, and its answer counts', async () => {
    await using receiver = await startReceiver();
    expect(await sendTo(receiver.url)).toEqual({ type: 'answered', status: 200, retryAfterMs: null });
    const [{ request, body } = { request: null, body: '' }, ...more] = receiver.received;
    expect(more).toEqual([]);
    expect(request).toMatchObject({ method: 'POST', url: '/hook' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '10',
      'webhook-id': 'whk_1',
      host: `127.0.0.1:${receiver.port}`,
    });
    expect(body).toBe(message.body);
  });

  test('to a receiver that sends Retry-After gives the delay', async () => {
    await using receiver = await startReceiver((response) => response.writeHead(503, { 'retry-after': '7' }).end());
    expect(await sendTo(receiver.url)).toEqual({ type: 'answered', status: 503, retryAfterMs: 7_000 });
  });

  test('to a closed port fails with the reason', async () => {
    const receiver = await startReceiver();
    await receiver[Symbol.asyncDispose]();
    expect(await sendTo(receiver.url)).toEqual({ type: 'failed', reason: 'not reached: ECONNREFUSED' });
  });

  test('to an unknown host name fails with the reason', async () => {
    const resolve: Resolve = (_host, _options, done) => done(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
    expect(await sendTo('https://nobody.example/', { resolve })).toEqual({
      type: 'failed',
      reason: 'not reached: ENOTFOUND',
    });
  });

  test('to an https URL is not sent without TLS', async () => {
    await using receiver = await startReceiver();
    const attempt = await sendTo(receiver.url.replace('http:', 'https:'));
    expect(attempt).toMatchObject({ type: 'failed', reason: expect.stringMatching(/^not reached: E[A-Z_]+$/) });
    expect(receiver.received).toEqual([]);
  });

  test('to a receiver that hangs up, or switches to another protocol, fails', async () => {
    await using hangsUp = await startReceiver((response) => response.destroy());
    expect(await sendTo(hangsUp.url)).toEqual({ type: 'failed', reason: 'not reached: ECONNRESET' });
    await using switches = await startReceiver((response) =>
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
    );
    expect(await sendTo(switches.url)).toMatchObject({ type: 'failed' });
  });

  test('that is cut short gives the result cut', async () => {
    const cut = new AbortController();
    await using receiver = await startReceiver(() => cut.abort());
    expect(await sendTo(receiver.url, {}, cut.signal)).toEqual({ type: 'cut' });
    expect(await sendTo(receiver.url, {}, cut.signal)).toEqual({ type: 'cut' });
    expect(receiver.received).toHaveLength(1);
  });
});

describe('a hostile receiver', () => {
  test('that answers with a gigabyte is read for 64 KiB, and its status counts', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sentBytes = 0;
    const closed = Promise.withResolvers<void>();
    await using receiver = await startReceiver((response) => {
      response.on('close', closed.resolve);
      const write = (): void => {
        while (sentBytes < 2 ** 30 && !response.destroyed) {
          sentBytes += piece.length;
          if (!response.write(piece)) return void response.once('drain', write);
        }
        response.end();
      };
      response.writeHead(200);
      write();
    });
    expect(await sendTo(receiver.url)).toMatchObject({ type: 'answered', status: 200 });
    await closed.promise;
    // The receiver can send only as much as the buffers of both sockets hold.
    expect(sentBytes).toBeGreaterThan(answerBytesMax);
    expect(sentBytes).toBeLessThan(2 ** 26);
  });

  test('that never answers is waited for until the timeout', async () => {
    await using receiver = await startReceiver(() => {});
    expect(await sendTo(receiver.url, { timeoutMs: 200 })).toEqual({
      type: 'failed',
      reason: 'no answer within 0.2 s',
    });
    expect(receiver.received).toHaveLength(1);
  });

  test('whose answer never ends is disconnected at the timeout, and its status counts', async () => {
    await using receiver = await startReceiver((response) => response.writeHead(202).write('…'));
    expect(await sendTo(receiver.url, { timeoutMs: 500 })).toMatchObject({ type: 'answered', status: 202 });
  });

  test('whose headers do not end fails the attempt', async () => {
    await using receiver = await startReceiver(({ socket }) => {
      const line = `x-filler: ${'x'.repeat(1_000)}\r\n`;
      socket?.on('error', () => {});
      socket?.write(`HTTP/1.1 200 OK\r\n${line.repeat(1_000)}`);
    });
    expect(await sendTo(receiver.url)).toMatchObject({ type: 'failed', reason: 'not reached: HPE_HEADER_OVERFLOW' });
  });

  test.each(['http://169.254.169.254/latest/meta-data/', '/elsewhere'])(
    'that redirects to %s is not followed',
    async (location) => {
      await using receiver = await startReceiver((response) => response.writeHead(302, { location }).end());
      expect(await sendTo(receiver.url)).toMatchObject({ type: 'answered', status: 302 });
      expect(receiver.received.map(({ request }) => request.url)).toEqual(['/hook']);
    },
  );
});

describe('an address that is not allowed', () => {
  const strict = createAddressRule([]);

  test.each(['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0.0.0.0', '[::ffff:127.0.0.1]'])(
    'is sent nothing if the URL contains %s',
    async (host) => {
      await using receiver = await startReceiver();
      expect(await sendTo(`http://${host}:${receiver.port}/`, { isAllowed: strict })).toEqual({ type: 'forbidden' });
      expect(receiver.received).toEqual([]);
    },
  );

  test.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::ffff:10.0.0.1',
    'fd00::1',
    'fe80::1',
  ])('is sent nothing if the host name resolves to %s', async (address) => {
    await using receiver = await startReceiver();
    const { resolve, lookups } = resolverFor([address]);
    const attempt = await sendTo(`http://inwards.example:${receiver.port}/`, { isAllowed: strict, resolve });
    expect([attempt, lookups]).toEqual([{ type: 'forbidden' }, ['inwards.example']]);
    expect(receiver.received).toEqual([]);
  });

  // Systems other than Linux have one loopback address.
  const linuxOnly = { skip: process.platform !== 'linux' };
  const loopbackAddresses = ['127.0.0.1', '127.0.0.2'];

  test(
    'is sent nothing if the host name also resolves to an allowed one, which gets the request',
    linuxOnly,
    async () => {
      await using receiver = await startReceiver(sendThanks, loopbackAddresses);
      const isAllowed = createAddressRule(['127.0.0.2']);
      const { resolve } = resolverFor(['127.0.0.1', '::1', '127.0.0.2', '10.0.0.1']);
      expect(await sendTo(`http://both.example:${receiver.port}/`, { isAllowed, resolve })).toMatchObject({
        status: 200,
      });
      expect(receiver.received.map(({ localAddress }) => localAddress)).toEqual(['127.0.0.2']);
    },
  );

  test('is sent nothing if the host name resolves to it only after the check (DNS rebinding)', linuxOnly, async () => {
    await using receiver = await startReceiver(sendThanks, loopbackAddresses);
    const isAllowed = createAddressRule(['127.0.0.2']);
    const { resolve, lookups } = resolverFor(['127.0.0.2'], ['127.0.0.1']);
    const url = `http://rebinding.example:${receiver.port}/`;
    expect(await sendTo(url, { isAllowed, resolve })).toMatchObject({ status: 200 });
    expect([receiver.received.map(({ localAddress }) => localAddress), lookups.length]).toEqual([['127.0.0.2'], 1]);
    expect(await sendTo(url, { isAllowed, resolve })).toEqual({ type: 'forbidden' });
    expect(receiver.received).toHaveLength(1);
  });
});
