import type { MCPServer } from '@openai/agents';
import { currentCall } from '../../src/runs/index.ts';

/** An MCP server of one tool, in memory, which notes its calls. */
export function createMemoryMcpServer(toolName: string): MCPServer & { calls: string[] } {
  const calls: string[] = [];
  return {
    name: 'stock',
    cacheToolsList: false,
    calls,
    connect: async () => {},
    close: async () => {},
    invalidateToolsCache: async () => {},
    listTools: async () => [
      {
        name: toolName,
        description: 'Asks.',
        inputSchema: { type: 'object', properties: {}, required: [], additionalProperties: false },
      },
    ],
    callTool: async (name) => {
      calls.push(`${name} ${currentCall().idempotencyKey}`);
      return [{ type: 'text', text: `${calls.length} left` }];
    },
  };
}
