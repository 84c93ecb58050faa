import { Agent, setTracingDisabled } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { createChainBench, providerAt } from '../../../tests/support/chain-bench.ts';
import { calling, counting } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { startFakeProvider } from '../../../tests/support/fake-provider.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

test('a recorded call of a tool that this version of the application lacks fails with the code tool_gone', async () => {
  const one = counting('one');
  const first = await execute(new Agent({ name: 'main', tools: [one.tool] }), { reply: calling('one') });
  const renamed = new Agent({ name: 'main', tools: [counting('uno').tool] });
  const second = await execute(renamed, { reply: calling('one'), journal: first.memory });
  expect(second.final).toMatchObject({ status: 'failed', error: { code: 'tool_gone', retryable: false } });
  expect(second.final?.error?.detail).toContain('"one"');
  expect(second.final?.newItems).toHaveLength(4); // the tool's effect is part of the session
  expect(second.stub.calls()).toBe(0);
});

test('a call of a tool that does not exist in any version fails with tool_not_found, which names the tool and the agent', async () => {
  const { final } = await execute(new Agent({ name: 'main' }), { reply: calling('one') });
  expect(final).toMatchObject({ status: 'failed', error: { code: 'tool_not_found', retryable: true } });
  expect(final?.error?.detail).toContain('"one", which the agent "main" does not have');
});

describe.each(['blocking', 'stream'] as const)('over a provider, %s', (mode) => {
  const turns = [{ toolCalls: [{ name: 'peek', arguments: {} }] }, 'Seen.'];

  test('a model is told of a function that the agent does not have, if the application says so', async () => {
    await using provider = await startFakeProvider();
    await provider.script({ turns });
    const { chain } = createChainBench({ providers: [providerAt('one', provider.baseUrl)] });
    const runner = { toolNotFoundBehavior: 'return_error_to_model' } as const;
    const { final } = await execute(new Agent({ name: 'main' }), {
      reply: () => '',
      modelProvider: chain.provider,
      mode,
      runner,
    });
    expect(final).toMatchObject({ status: 'completed', response: 'Seen.' });
    expect(await provider.requests()).toHaveLength(2);
  });
});
