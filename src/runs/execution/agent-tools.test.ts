import { fileURLToPath } from 'node:url';
import { Agent, MCPServerStdio, type ModelRequest, Runner, setTracingDisabled } from '@openai/agents';
import { expect, test } from 'vitest';
import { execute } from '../../../tests/support/execute-run.ts';
import { createStubModel, hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import { wireAgents } from '../../agents/index.ts';
import { parseSettings } from '../../platform/settings/settings.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const program = fileURLToPath(new URL('../../../tests/support/apps/mcp-server.ts', import.meta.url));
const log = { warn: () => {}, info: () => {}, error: () => {}, debug: () => {} };

/** An agent with an agent used as a tool, which alone has an MCP server. */
function withInnerServer() {
  const server = new MCPServerStdio({ name: 'stock', command: process.execPath, args: [program, 'stock'] });
  const inner = new Agent({ name: 'Inner', instructions: 'inner', mcpServers: [server] });
  const main = new Agent({ name: 'Main', instructions: 'outer', tools: [inner.asTool({ toolName: 'ask_inner' })] });
  return { server, main };
}

const reply = (request: ModelRequest): StubReply => {
  const isInner = request.systemInstructions === 'inner';
  if (hasToolResult(request)) return isInner ? 'inner answer' : 'outer answer';
  if (isInner) return [{ call: 'ask_stock', args: { question: 'lamps?' }, id: 'call_2' }];
  return [{ call: 'ask_inner', args: { input: 'lamps?' }, id: 'call_1' }];
};

const seenBy = (requests: readonly ModelRequest[]) =>
  requests.map(({ input, tools }) => JSON.parse(JSON.stringify({ input, tools })));

test('an agent used as a tool uses its MCP servers: the models receive what they receive from the SDK alone', async () => {
  const alone = withInnerServer();
  await alone.server.connect();
  const sdk = createStubModel(reply);
  const runner = new Runner({ modelProvider: sdk.provider, model: 'stub-1', tracingDisabled: true });
  const expected = await runner.run(alone.main, 'hello');
  await alone.server.close();

  const served = withInnerServer();
  const { services } = wireAgents({
    options: { agents: { main: served.main } },
    settings: parseSettings({ APP_ENV: 'test' }),
    reports: false,
    log: log as never,
  });
  for (const service of services) await service.start();
  const { final, stub } = await execute(served.main, { reply });
  for (const service of services) await service.stop(AbortSignal.timeout(10_000));

  expect(final).toMatchObject({ status: 'completed', response: expected.finalOutput });
  expect(JSON.stringify(stub.requests)).toContain('stock heard lamps?');
  expect(seenBy(stub.requests).map(({ tools }) => tools)).toEqual(seenBy(sdk.requests).map(({ tools }) => tools));
  const outputs = (requests: readonly ModelRequest[]) =>
    seenBy(requests).map(({ input }) => [input].flat().filter(({ type }: { type?: string }) => type !== 'message'));
  expect(outputs(stub.requests)).toEqual(outputs(sdk.requests));
});
