import { connectMcpServers, type MCPServer, type MCPServers } from '@openai/agents';
import type { Service } from './platform/lifecycle.ts';

/** Connects MCP servers before the service serves and closes them after: the SDK does neither. */
export function createMcpConnections(servers: readonly MCPServer[]): Service {
  let connected: MCPServers | undefined;
  return {
    name: 'MCP servers',
    async start() {
      if (servers.length > 0) connected = await connectMcpServers([...new Set(servers)], { strict: true });
    },
    async stop() {
      await connected?.close();
      connected = undefined;
    },
  };
}
