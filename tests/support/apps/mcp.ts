/**
 * Agents with tools of MCP servers: one server is given to `serve`, one is named by an agent reached by a handoff, and one,
 * which the application connects itself, by an agent used as a tool.
 */
import { fileURLToPath } from 'node:url';
import { Agent, MCPServerStdio } from '@openai/agents';
import { serve } from 'agent-service';

const say = (msg: string) => process.stdout.write(`${JSON.stringify({ msg })}\n`);

/** Tells when it is connected and closed. */
class ToldServer extends MCPServerStdio {
  override async connect(): Promise<void> {
    await super.connect();
    say(`${this.name} connected`);
  }
  override async close(): Promise<void> {
    await super.close();
    say(`${this.name} closed`);
  }
}

const program = fileURLToPath(new URL('./mcp-server.ts', import.meta.url));
const stdio = (name: string) => new ToldServer({ name, command: process.execPath, args: [program, name] });

const weather = stdio('weather');
const stock = stdio('stock');
const ledger = stdio('ledger');
const broken = new ToldServer({ name: 'broken', command: process.execPath, args: ['--eval', 'process.exit(3)'] });

const clerk = new Agent({ name: 'clerk', instructions: 'You are the clerk.', mcpServers: [stock] });
const bookkeeper = new Agent({
  name: 'bookkeeper',
  instructions: 'You are the bookkeeper.',
  mcpServers: [ledger],
});
const triage = new Agent({
  name: 'triage',
  instructions: 'You are the triage agent.',
  handoffs: [clerk],
  mcpServers: [weather],
  tools: [bookkeeper.asTool({ toolName: 'ask_bookkeeper', toolDescription: 'Asks the bookkeeper.' })],
});

await ledger.connect();

await serve({
  agents: { triage },
  mcpServers: process.env.BROKEN ? [weather, broken] : [weather],
  onStart: () => say('onStart'),
  onStop: () => say('onStop'),
});
