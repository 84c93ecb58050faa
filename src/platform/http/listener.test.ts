import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { StartError } from '../start-error.ts';
import { createListener, type ListenerOptions } from './listener.ts';

const alive = () => AbortSignal.timeout(20_000);

/** A listener for a server with a route that answers at once, and one that answers when the test releases it. */
function createTestListener(options: Partial<ListenerOptions> = {}) {
  const received = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const app = fastify({ forceCloseConnections: 'idle' });
  app.get('/now', async () => 'now');
  app.get('/later', async () => {
    received.resolve();
    return answer.promise;
  });
  const host = '127.0.0.1';
  const listener = createListener({ name: 'test', app, host, port: 0, setting: 'PORT', orNextFree: false, ...options });
  const dispose = () => listener.stop(AbortSignal.abort());
  return Object.assign(listener, {
    received: received.promise,
    answer: answer.resolve,
    [Symbol.asyncDispose]: dispose,
  });
}

const portOf = (url: string) => Number(new URL(url).port);

/** Another server on a port. */
async function takePort(port = 0) {
  const server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() };
}

describe('the address of a listener', () => {
  test('is in its URL after the start', async () => {
    await using listener = createTestListener();
    await listener.start();
    expect(listener.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${listener.url()}/now`)).text()).toBe('now');
  });

  test.each([
    { host: '127.0.0.1', urlHost: '127.0.0.1' },
    { host: 'localhost', urlHost: 'localhost' },
  ])('has the host $urlHost when HOST is $host', async ({ host, urlHost }) => {
    await using listener = createTestListener({ host });
    await listener.start();
    expect(new URL(listener.url()).hostname).toBe(urlHost);
    expect((await fetch(`${listener.url()}/now`)).status).toBe(200);
  });

  test.each([
    { host: '0.0.0.0', url: 'http://127.0.0.1:8000' },
    { host: '::', url: 'http://[::1]:8000' },
    { host: '::1', url: 'http://[::1]:8000' },
    { host: 'fd00::7', url: 'http://[fd00::7]:8000' },
  ])('can be connected to also when HOST is $host', ({ host, url }) => {
    // Tests listen on the loopback only, so this one has a stub of a server that listens.
    const app = { server: { address: () => ({ port: 8000 }) } } as unknown as ListenerOptions['app'];
    expect(createTestListener({ host, app }).url()).toBe(url);
  });
});

describe('a port that is taken', () => {
  test('makes the start fail with a message that names the setting', async () => {
    await using other = await takePort();
    await using listener = createTestListener({ port: other.port });
    const start = listener.start();
    await expect(start).rejects.toBeInstanceOf(StartError);
    await expect(start).rejects.toThrow(
      `Cannot listen on port ${other.port} of 127.0.0.1: the port is taken. Set PORT or HOST to another one.`,
    );
  });

  test('is skipped if another port is acceptable, and so are further ports that are taken', async () => {
    await using other = await takePort();
    await using next = await takePort(other.port + 1).catch(() => null); // it may also be taken by another process
    await using listener = createTestListener({ port: other.port, orNextFree: true });
    await listener.start();
    expect(portOf(listener.url())).toBeGreaterThan(other.port + 1);
    expect(portOf(listener.url())).toBeLessThanOrEqual(other.port + 20);
    expect(next?.port ?? other.port + 1).toBe(other.port + 1);
    expect((await fetch(`${listener.url()}/now`)).status).toBe(200);
  });

  test('makes the start fail if it is the last port', async () => {
    await using other = await takePort(65_535).catch(() => null); // it may also be taken by another process
    await using listener = createTestListener({ port: 65_535, orNextFree: true });
    await expect(listener.start()).rejects.toThrow('Cannot listen on port 65535');
    expect(other?.port ?? 65_535).toBe(65_535);
  });
});

describe('closing idle connections', () => {
  /** A connection on which one request was answered; it records what it receives. */
  async function connectAndRequest(listener: ReturnType<typeof createTestListener>) {
    const socket = connect(portOf(listener.url()), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    const request = () => socket.write('GET /now HTTP/1.1\r\nhost: test\r\n\r\n');
    request();
    while (!received.endsWith('now')) await once(socket, 'data');
    return { socket, request, received: () => received };
  }

  test('ends connections that are idle, also those that become idle later, and accepts new ones', async () => {
    await using listener = createTestListener();
    await listener.start();
    const idle = await connectAndRequest(listener);
    const idleEnded = once(idle.socket, 'close');
    const agent = new Agent({ keepAlive: true });
    const running = once(get(`${listener.url()}/later`, { agent }), 'response') as Promise<[IncomingMessage]>;
    await listener.received;
    await listener.closeIdleConnections();
    expect(await idleEnded).toEqual([false]); // without an error
    const later = await connectAndRequest(listener);
    await once(later.socket, 'close');
    listener.answer('finished');
    const [response] = await running;
    const laterEnded = once(response.socket, 'close');
    response.resume();
    await laterEnded;
    expect(response.statusCode).toBe(200);
    agent.destroy();
  });

  test('loses no request that has arrived and was not read yet', async () => {
    await using listener = createTestListener();
    await listener.start();
    const { socket, request, received } = await connectAndRequest(listener);
    request();
    const closed = listener.closeIdleConnections();
    await once(socket, 'close');
    await closed;
    expect(received().match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });
});

describe('a stop', () => {
  test('waits for a request in flight, and accepts no new connection', async () => {
    await using listener = createTestListener();
    await listener.start();
    const running = fetch(`${listener.url()}/later`);
    await listener.received;
    const stopping = listener.stop(alive());
    await expect(fetch(`${listener.url()}/now`)).rejects.toThrow();
    listener.answer('finished');
    expect(await (await running).text()).toBe('finished');
    await stopping;
  });

  test('is not delayed by idle connections, also not by those that become idle only after it has begun', async () => {
    await using listener = createTestListener();
    await listener.start();
    const agent = new Agent({ keepAlive: true });
    const running = once(get(`${listener.url()}/later`, { agent }), 'response') as Promise<[IncomingMessage]>;
    await listener.received;
    const silent = connect(portOf(listener.url()), '127.0.0.1');
    await once(silent, 'connect');
    const stopping = listener.stop(new AbortController().signal); // without a deadline
    listener.answer('finished');
    const [response] = await running;
    response.resume();
    await stopping;
    expect(response.statusCode).toBe(200);
    agent.destroy();
    silent.destroy();
  });

  test('closes at its deadline the connections of requests that are not answered yet', async () => {
    await using listener = createTestListener();
    await listener.start();
    const running = fetch(`${listener.url()}/later`).catch(() => 'cut off');
    await listener.received;
    const deadline = new AbortController();
    const stopping = listener.stop(deadline.signal);
    deadline.abort();
    expect(await running).toBe('cut off');
    listener.answer('too late');
    await stopping;
  });

  test('may be called twice, before a start, and after a start that failed', async () => {
    const twice = createTestListener();
    await twice.start();
    await twice.stop(alive());
    await twice.stop(alive());
    const never = createTestListener();
    await never.stop(alive());
    await using other = await takePort();
    const failed = createTestListener({ port: other.port });
    await expect(failed.start()).rejects.toThrow(StartError);
    await failed.stop(alive());
  });
});
