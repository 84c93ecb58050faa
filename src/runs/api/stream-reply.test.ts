import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import type { RunEvent } from '../events/events.ts';
import { sendStream } from './stream-reply.ts';

async function* noEvents(): AsyncGenerator<RunEvent, void, undefined> {}

test.each([
  {
    hasPeers: true,
    connection: 'close',
    connections: 3,
    why: 'closes with the stream if other processes could serve the next request',
  },
  { hasPeers: false, connection: 'keep-alive', connections: 1, why: 'is kept alive if no other process could' },
])('the connection of a stream $why', async ({ hasPeers, connection, connections }) => {
  const app = fastify();
  app.get('/', (_request, reply) => sendStream(reply, noEvents(), hasPeers));
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (let n = 0; n < 3; n += 1) {
    const [response] = (await once(get({ port, host: '127.0.0.1', agent }), 'response')) as [IncomingMessage];
    expect(response.headers.connection).toBe(connection);
    ports.add(response.socket.localPort);
    expect(await text(response)).toContain('event: stream.closing');
  }
  expect(ports.size).toBe(connections);
  agent.destroy();
  await app.close();
});
