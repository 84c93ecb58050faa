import { Agent, setTracingDisabled } from '@openai/agents';
import { expect, test } from 'vitest';
import { calling, counting } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
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
