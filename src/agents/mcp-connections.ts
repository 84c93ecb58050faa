import { connectMcpServers, type MCPServer, type MCPServers } from '@openai/agents';
import type { Service } from '../platform/lifecycle.ts';
import { StartError } from '../platform/start-error.ts';

/**
 * Connects MCP servers at the start of the service and closes them at its stop, because the SDK does neither. A server
 * that the application has connected is not connected again, but it is checked, and closed too. Each server
 * has the 10 s of the SDK to connect and to close. The start throws a `StartError` that names the servers that cannot be
 * connected.
 */
export function createMcpConnections(servers: readonly MCPServer[]): Service {
  let connections: MCPServers | undefined;
  return {
    name: 'MCP servers',
    async start() {
      if (servers.length === 0) return;
      connections = await connectMcpServers([...new Set(servers)].map(connectedOnce), { connectInParallel: true });
      if (connections.failed.length > 0) throw connectionError(connections);
    },
    async stop() {
      await connections?.close();
      connections = undefined;
    },
  };
}

/** The SDK's servers of all transports have a session while they are connected. Other implementations do not tell. */
const isConnected = (server: MCPServer): boolean =>
  Boolean((server as { underlying?: { session?: unknown } }).underlying?.session);

/** The server as one that has to be connected; where the application has done that, only an answer is waited for. */
function connectedOnce(server: MCPServer): MCPServer {
  if (!isConnected(server)) return server;
  const answer = async () => {
    await server.listTools();
  };
  return { name: server.name, connect: answer, close: () => server.close() } as MCPServer;
}

function connectionError({ failed, errors }: MCPServers): StartError {
  const lines = failed.map((server) => `  ${server.name}: ${errors.get(server)?.message ?? 'unknown'}`);
  return new StartError(['These MCP servers cannot be connected:', ...lines].join('\n'));
}
