import { connectMcpServers, type MCPServer, type MCPServers } from '@openai/agents';
import type { Service } from '../platform/lifecycle.ts';
import { StartError } from '../platform/start-error.ts';

/**
 * Connects MCP servers at the start of the service and closes them at its stop, because the SDK does neither. Each server
 * has the 10 s of the SDK to connect and to close. The start throws a `StartError` that names the servers that cannot be
 * connected.
 */
export function createMcpConnections(servers: readonly MCPServer[]): Service {
  let connections: MCPServers | undefined;
  return {
    name: 'MCP servers',
    async start() {
      if (servers.length === 0) return;
      connections = await connectMcpServers([...new Set(servers)], { connectInParallel: true });
      if (connections.failed.length > 0) throw connectionError(connections);
    },
    async stop() {
      await connections?.close();
      connections = undefined;
    },
  };
}

function connectionError({ failed, errors }: MCPServers): StartError {
  const lines = failed.map((server) => `  ${server.name}: ${errors.get(server)?.message ?? 'unknown'}`);
  return new StartError(['These MCP servers cannot be connected:', ...lines].join('\n'));
}
