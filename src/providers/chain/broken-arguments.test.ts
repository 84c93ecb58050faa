import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createChainBench, providerAt } from '../../../tests/support/chain-bench.ts';
import { type FakeProvider, startFakeProvider } from '../../../tests/support/fake-provider.ts';

setTracingDisabled(true);

const add = tool({
  name: 'add',
  description: 'Adds one.',
  parameters: z.object({ a: z.number() }),
  execute: async ({ a }) => String(a + 1),
});
const agent = new Agent({ name: 'Adder', instructions: 'Add.', model: 'gpt-4.1', tools: [add] });
const broken = { toolCalls: [{ name: 'add', arguments: '{"a":' }] };

/** The final output of a run, and what the provider was sent. */
async function runWith(provider: FakeProvider, modelProvider: Runner['config']['modelProvider'], stream: boolean) {
  await provider.reset();
  await provider.script({ turns: [broken, { toolCalls: [{ name: 'add', arguments: { a: 1 } }] }, 'Two.'] });
  const runner = new Runner({ modelProvider, tracingDisabled: true });
  let output: unknown;
  if (stream) {
    const result = await runner.run(agent, 'One and one?', { stream: true });
    await result.completed;
    output = result.finalOutput;
  } else output = (await runner.run(agent, 'One and one?')).finalOutput;
  const requests = await provider.requests();
  return { output, sent: requests.map(({ body }) => body?.input ?? body?.messages) };
}

const modes = ['responses', 'chat_completions'].flatMap((api) => [true, false].map((stream) => ({ api, stream })));

describe('a tool call whose arguments are no JSON', () => {
  test.each(modes)('is told to the model as by the SDK alone: $api, streamed $stream', async ({ api, stream }) => {
    await using provider = await startFakeProvider();
    const sdk = new OpenAIProvider({
      baseURL: provider.baseUrl,
      apiKey: 'sk-test',
      useResponses: api === 'responses',
    });
    const expected = await runWith(provider, sdk, stream);
    const { chain } = createChainBench({ providers: [providerAt('one', provider.baseUrl, { api: api as never })] });
    const found = await runWith(provider, chain.provider, stream);
    expect(found).toEqual(expected);
    expect(found.output).toBe('Two.');
    expect(found.sent).toHaveLength(3);
  });
});
