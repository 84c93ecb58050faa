import { fileURLToPath } from 'node:url';
import { MCPServerStdio } from '@openai/agents';
import { expect, test } from 'vitest';
import { createMcpConnections } from './mcp-connections.ts';

const program = fileURLToPath(new URL('../../tests/support/apps/mcp-server.ts', import.meta.url));

/** Counts how often it is connected: each time it starts a process. */
class CountedServer extends MCPServerStdio {
  connects = 0;
  override connect(): Promise<void> {
    this.connects += 1;
    return super.connect();
  }
}

const counted = (name: string) => new CountedServer({ name, command: process.execPath, args: [program, name] });
const toolsOf = async (server: CountedServer) => (await server.listTools()).map(({ name }) => name);

test('an MCP server that the application has connected is used as it is, and closed with the others', async () => {
  const [own, other] = [counted('own'), counted('other')];
  await own.connect();
  const connections = createMcpConnections([own, other, own]);
  await connections.start();
  expect([own.connects, other.connects]).toEqual([1, 1]);
  expect(await toolsOf(own)).toEqual(['ask_own']);
  expect(await toolsOf(other)).toEqual(['ask_other']);
  await connections.stop(AbortSignal.timeout(10_000));
  await expect(own.listTools()).rejects.toThrow('not initialized');
  await expect(other.listTools()).rejects.toThrow('not initialized');
});

test('a server that the application has connected and closed again is connected at the start', async () => {
  const server = counted('own');
  await server.connect();
  await server.close();
  const connections = createMcpConnections([server]);
  await connections.start();
  expect(server.connects).toBe(2);
  expect(await toolsOf(server)).toEqual(['ask_own']);
  await connections.stop(AbortSignal.timeout(10_000));
});

test('a connected server that no longer answers ends the start with its name', async () => {
  const dying = counted('dying');
  await dying.connect();
  const { pid } = (dying as unknown as { underlying: { transport: { pid: number } } }).underlying.transport;
  process.kill(pid, 'SIGKILL');
  const start = createMcpConnections([dying]).start();
  await expect(start).rejects.toThrow('These MCP servers cannot be connected:\n  dying: ');
});
