import {
  Agent,
  ModelBehaviorError,
  OpenAIChatCompletionsModel,
  Runner,
  setTracingDisabled,
  ToolTimeoutError,
  tool,
  webSearchTool,
} from '@openai/agents';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { calling } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { createStubModel, type StubReply } from '../../../tests/support/stub-model.ts';
import type { AnyAgent } from '../../agents/index.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

/** The error that the SDK's own run() ends with. */
async function sdkError(agent: AnyAgent, reply: Parameters<typeof createStubModel>[0]): Promise<unknown> {
  const runner = new Runner({ modelProvider: createStubModel(reply).provider, model: 'stub-1', tracingDisabled: true });
  return runner.run(agent, 'hello').catch((error: unknown) => error);
}

const slowTool = tool({
  name: 'slow',
  description: 'Does not end before its time is over.',
  parameters: z.object({}),
  timeoutMs: 20,
  timeoutBehavior: 'raise_exception',
  execute: (_, __, details) =>
    new Promise((_resolve, reject) => {
      details?.signal?.addEventListener('abort', () => reject(details.signal?.reason), { once: true });
    }),
});
const slow = new Agent({ name: 'Slow', tools: [slowTool] });

test('a tool that ends the run by its own timeout fails it with tool_timeout and its name, also when it is recovered', async () => {
  expect(await sdkError(slow, calling('slow'))).toBeInstanceOf(ToolTimeoutError);
  const first = await execute(slow, { reply: calling('slow') });
  const detail = 'The tool "slow" took longer than its own timeoutMs, and ends the run then (raise_exception).';
  const error = { code: 'tool_timeout', detail, retryable: false };
  expect(first.final).toMatchObject({ status: 'failed', error });
  const recovered = await execute(slow, { reply: calling('slow'), journal: first.memory });
  expect(recovered.final).toMatchObject({ status: 'failed', error });
  expect(recovered.stub.calls()).toBe(0);
});

test.each(['blocking', 'stream'] as const)(
  'an output that breaks the schema is agent_error with the agent: %s',
  async (mode) => {
    const counter = new Agent({ name: 'Counter', outputType: z.object({ n: z.number() }) });
    const reply = (): StubReply => '{"n":"one"}';
    expect(await sdkError(counter, reply)).toBeInstanceOf(ModelBehaviorError);
    const { final } = await execute(counter, { reply, mode });
    expect(final).toMatchObject({ status: 'failed', error: { code: 'agent_error', retryable: false } });
    expect(final?.error?.detail).toContain('does not fit the outputType of the agent "Counter"');
  },
);

test('a hosted tool with Chat Completions is agent_error with the tool, the agent and what to use', async () => {
  const model = new OpenAIChatCompletionsModel(new OpenAI({ apiKey: 'sk-none', baseURL: 'http://127.0.0.1:1' }), 'm');
  const web = new Agent({ name: 'Web', model, tools: [webSearchTool()] });
  expect(await sdkError(web, () => '')).toHaveProperty(
    'message',
    expect.stringContaining('Hosted tools are not supported'),
  );
  const { final } = await execute(web, { reply: () => '' });
  expect(final).toMatchObject({ status: 'failed', error: { code: 'agent_error', retryable: false } });
  expect(final?.error?.detail).toMatch(
    /no hosted tools, such as "web_search" of the agent "Web".+OPENAI_API=responses/,
  );
});
