import { fileURLToPath } from 'node:url';
import { Agent, MCPServerStdio, type ModelRequest, Runner, setTracingDisabled, tool } from '@openai/agents';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { executeApproved } from '../../../tests/support/run-over-crashes.ts';
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

test.each(['blocking', 'stream', 'onStream'] as const)(
  'an agent used as a tool has ended when it has answered, and not when it waits for an approval (%s)',
  async (mode) => {
    const pay = tool({
      name: 'pay',
      description: 'Pays.',
      parameters: z.object({}),
      needsApproval: true,
      execute: () => 'paid',
    });
    const inner = new Agent({ name: 'Inner', instructions: 'inner', tools: [pay] });
    const asked = { toolName: 'ask_inner', ...(mode === 'onStream' ? { onStream: () => {} } : {}) };
    const main = new Agent({ name: 'Main', instructions: 'outer', tools: [inner.asTool(asked)] });
    const paying = (request: ModelRequest): StubReply =>
      request.systemInstructions === 'inner' && !hasToolResult(request)
        ? [{ call: 'pay', id: 'call_2' }]
        : reply(request);
    const { events, memory } = await executeApproved(main, {
      reply: paying,
      mode: mode === 'stream' ? 'stream' : 'blocking',
    });
    const ofCall = (events as unknown as Record<string, unknown>[]).filter(({ call_id }) => call_id === 'call_1');
    expect(ofCall).toMatchObject([{ type: 'tool.started' }, { type: 'tool.completed', output: 'inner answer' }]);
    expect(ofCall[0]?.step).toBe(ofCall[1]?.step);
    expect(memory.steps().find(({ callId }) => callId === 'call_1')).toMatchObject({
      output: 'inner answer',
      step: ofCall[0]?.step,
    });
  },
);
