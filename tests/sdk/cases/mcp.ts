import { fileURLToPath } from 'node:url';
import { Agent, createMCPToolStaticFilter, MCPServerStdio } from '@openai/agents';
import type { SdkCase, World } from '../case.ts';
import { call, say } from '../script.ts';
import { asTool } from './pieces.ts';

const program = fileURLToPath(new URL('../../support/apps/mcp-server.ts', import.meta.url));

const stock = (world: World, more: object = {}) =>
  world.server(new MCPServerStdio({ name: 'stock', command: process.execPath, args: [program, 'stock'], ...more }));

/** Servers of the Model Context Protocol that the app reaches itself. */
export const mcpCases: SdkCase[] = [
  {
    feature: 'MCP servers over stdio',
    status: 'how',
    note: 'The service connects and closes the servers of all agents, so `connect()` is left out.',
    agents: (world) => ({ Shop: new Agent({ name: 'Shop', instructions: 'Sell.', mcpServers: [stock(world)] }) }),
    script: [call('ask_stock', { question: 'How many?' }), say('Seven.')],
  },
  {
    feature: 'MCP servers: filters, and names with a prefix',
    status: 'works',
    agents: (world) => ({
      Shop: new Agent({
        name: 'Shop',
        instructions: 'Sell.',
        mcpServers: [
          stock(world, { toolFilter: createMCPToolStaticFilter({ allowed: ['ask_stock'] }), cacheToolsList: true }),
        ],
        mcpConfig: { convertSchemasToStrict: true, includeServerInToolNames: true },
      }),
    }),
    script: [say('Nothing to ask.')],
  },
  {
    feature: 'MCP servers of an agent used as a tool',
    status: 'works',
    agents: (world) => {
      const docs = new Agent({ name: 'Docs', instructions: 'I am Docs.', mcpServers: [stock(world)] });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(docs)] }) };
    },
    script: {
      'I am Outer.': [call('ask_docs', { input: 'How many?' }), say('Seven.')],
      'I am Docs.': [call('ask_stock', { question: 'How many?' }), say('Seven inside.')],
    },
  },
];
