import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { StartError } from '../start-error.ts';
import { createListener, type ListenerOptions } from './listener.ts';

const alive = () => AbortSignal.timeout(20_000);

/** A listener for a server with a route that answers at once, and one that answers when the test says so. */
function createTestListener(options: Partial<ListenerOptions> = {}) {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const app = fastify({ forceCloseConnections: 'idle' });
  app.get('/now', async () => 'now');
  app.get('/later', async () => {
    asked.resolve();
    return answer.promise;
  });
  const host = '127.0.0.1';
  const listener = createListener({ name: 'test', app, host, port: 0, setting: 'PORT', orNextFree: false, ...options });
  const dispose = () => listener.stop(AbortSignal.abort());
  return Object.assign(listener, { asked: asked.promise, answer: answer.resolve, [Symbol.asyncDispose]: dispose });
}

const portOf = (url: string) => Number(new URL(url).port);

/** Somebody else's server on a port. */
async function takePort(port = 0) {
  const server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() };
}

describe('where it listens', () => {
  test('is in its URL, once it does', async () => {
    await using listener = createTestListener();
    await listener.start();
    expect(listener.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${listener.url()}/now`)).text()).toBe('now');
  });

  test.each([
    { host: '127.0.0.1', urlHost: '127.0.0.1' },
    { host: 'localhost', urlHost: 'localhost' },
  ])('is reached by $urlHost when HOST is $host', async ({ host, urlHost }) => {
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
  ])('is an address that can be called also when HOST is $host', ({ host, url }) => {
    // Tests listen on the loopback only, so this one has a server that says that it listens.
    const app = { server: { address: () => ({ port: 8000 }) } } as unknown as ListenerOptions['app'];
    expect(createTestListener({ host, app }).url()).toBe(url);
  });
});

describe('a port that is taken', () => {
  test('is a reason not to start, said in a line that names the setting', async () => {
    await using other = await takePort();
    await using listener = createTestListener({ port: other.port });
    const start = listener.start();
    await expect(start).rejects.toBeInstanceOf(StartError);
    await expect(start).rejects.toThrow(
      `Cannot listen on port ${other.port} of 127.0.0.1: the port is taken. Set PORT or HOST to another one.`,
    );
  });

  test('is passed by where another one will do, and so are those after it', async () => {
    await using other = await takePort();
    await using next = await takePort(other.port + 1).catch(() => null); // taken by others does as well
    await using listener = createTestListener({ port: other.port, orNextFree: true });
    await listener.start();
    expect(portOf(listener.url())).toBeGreaterThan(other.port + 1);
    expect(portOf(listener.url())).toBeLessThanOrEqual(other.port + 20);
    expect(next?.port ?? other.port + 1).toBe(other.port + 1);
    expect((await fetch(`${listener.url()}/now`)).status).toBe(200);
  });

  test('is no reason to look beyond the last port there is', async () => {
    await using other = await takePort(65_535).catch(() => null); // taken by others does as well
    await using listener = createTestListener({ port: 65_535, orNextFree: true });
    await expect(listener.start()).rejects.toThrow('Cannot listen on port 65535');
    expect(other?.port ?? 65_535).toBe(65_535);
  });
});

describe('hanging up', () => {
  /** A connection on which one request was answered; what was received is kept. */
  async function connectAndAsk(listener: ReturnType<typeof createTestListener>) {
    const socket = connect(portOf(listener.url()), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    const ask = () => socket.write('GET /now HTTP/1.1\r\nhost: test\r\n\r\n');
    ask();
    while (!received.endsWith('now')) await once(socket, 'data');
    return { socket, ask, received: () => received };
  }

  test('ends connections that idle, also those that become idle later, while others are still let in', async () => {
    await using listener = createTestListener();
    await listener.start();
    const idle = await connectAndAsk(listener);
    const idleEnded = once(idle.socket, 'close');
    const agent = new Agent({ keepAlive: true });
    const running = once(get(`${listener.url()}/later`, { agent }), 'response') as Promise<[IncomingMessage]>;
    await listener.asked;
    await listener.hangUp();
    expect(await idleEnded).toEqual([false]); // without an error
    const later = await connectAndAsk(listener);
    await once(later.socket, 'close');
    listener.answer('finished');
    const [response] = await running;
    const laterEnded = once(response.socket, 'close');
    response.resume();
    await laterEnded;
    expect(response.statusCode).toBe(200);
    agent.destroy();
  });

  test('answers a request that has arrived and was not read yet', async () => {
    await using listener = createTestListener();
    await listener.start();
    const { socket, ask, received } = await connectAndAsk(listener);
    ask();
    const hungUp = listener.hangUp();
    await once(socket, 'close');
    await hungUp;
    expect(received().match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });
});

describe('a stop', () => {
  test('lets a request in flight be answered, and nobody in any more', async () => {
    await using listener = createTestListener();
    await listener.start();
    const running = fetch(`${listener.url()}/later`);
    await listener.asked;
    const stopping = listener.stop(alive());
    await expect(fetch(`${listener.url()}/now`)).rejects.toThrow();
    listener.answer('finished');
    expect(await (await running).text()).toBe('finished');
    await stopping;
  });

  test('is not held up by connections that idle, also those that become idle only after it has begun', async () => {
    await using listener = createTestListener();
    await listener.start();
    const agent = new Agent({ keepAlive: true });
    const running = once(get(`${listener.url()}/later`, { agent }), 'response') as Promise<[IncomingMessage]>;
    await listener.asked;
    const silent = connect(portOf(listener.url()), '127.0.0.1');
    await once(silent, 'connect');
    const stopping = listener.stop(new AbortController().signal); // no deadline would help
    listener.answer('finished');
    const [response] = await running;
    response.resume();
    await stopping;
    expect(response.statusCode).toBe(200);
    agent.destroy();
    silent.destroy();
  });

  test('cuts off at its deadline what is not answered by then', async () => {
    await using listener = createTestListener();
    await listener.start();
    const running = fetch(`${listener.url()}/later`).catch(() => 'cut off');
    await listener.asked;
    const deadline = new AbortController();
    const stopping = listener.stop(deadline.signal);
    deadline.abort();
    expect(await running).toBe('cut off');
    listener.answer('too late');
    await stopping;
  });

  test('may come twice, before a start, and after one that failed', async () => {
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
