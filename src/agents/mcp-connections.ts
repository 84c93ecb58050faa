import { connectMcpServers, type MCPServer, type MCPServers } from '@openai/agents';
import type { Service } from '../platform/lifecycle.ts';
import { StartError } from '../platform/start-error.ts';

/**
 * Connects MCP servers before the service serves and closes them after: the SDK does neither. Each has the SDK's 10 s
 * to connect and to close. Its start throws a `StartError` that names those that cannot be connected.
 */
export function createMcpConnections(servers: readonly MCPServer[]): Service {
  let connections: MCPServers | undefined;
  return {
    name: 'MCP servers',
    async start() {
      if (servers.length === 0) return;
      connections = await connectMcpServers([...new Set(servers)], { connectInParallel: true });
      if (connections.failed.length > 0) throw refusal(connections);
    },
    async stop() {
      await connections?.close();
      connections = undefined;
    },
  };
}

function refusal({ failed, errors }: MCPServers): StartError {
  const lines = failed.map((server) => `  ${server.name}: ${errors.get(server)?.message ?? 'unknown'}`);
  return new StartError(['These MCP servers cannot be connected:', ...lines].join('\n'));
}
