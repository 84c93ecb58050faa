import type { ModelRequest } from '@openai/agents';
import { Agent, setTracingDisabled } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { calling, counting } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { effect } from '../../agents/index.ts';
import { patchNestedRuns } from '../execution/sdk-patches.ts';
import { applyDecisions } from './decisions.ts';

setTracingDisabled(true);
patchNestedRuns();

describe('a call whose outcome was not recorded', () => {
  /** The journal of a run that crashed after its tool took effect and before the outcome was recorded. */
  async function crashedInTool(kind: 'read' | 'idempotent' | 'once') {
    const one = counting('one');
    const agent = new Agent({ name: 'main', tools: [effect(one.tool, kind)] });
    const journal = createMemoryJournal();
    const controller = new AbortController();
    journal.beforeWrite = async ({ steps }) => {
      if (!steps.some(({ kind: stepKind, status }) => stepKind === 'tool_call' && status === 'completed')) return;
      controller.abort(new Error('crashed'));
      await new Promise(() => {});
    };
    const write = journal.write;
    journal.write = (entries) => (controller.signal.aborted ? undefined : write(entries));
    void execute(agent, { reply: calling('one'), journal, signal: controller.signal });
    await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
    journal.beforeWrite = async () => {};
    const recorded = createMemoryJournal();
    recorded.write({ steps: journal.steps(), events: [...journal.events] });
    recorded.attempts = 1;
    return { agent, one, journal: recorded };
  }

  test.each(['read', 'idempotent'] as const)(
    'of a tool that is %s is executed again with the same key',
    async (kind) => {
      const { agent, one, journal } = await crashedInTool(kind);
      const { final } = await execute(agent, { reply: calling('one'), journal });
      expect(final?.status).toBe('completed');
      expect(one.calls).toHaveLength(2);
      expect(new Set(one.calls).size).toBe(1);
    },
  );

  const decide = async (decision: 'retry' | 'use_result' | 'fail', result: unknown = 'paid') => {
    const { agent, one, journal } = await crashedInTool('once');
    const { paused } = await execute(agent, { reply: calling('one'), journal });
    expect(one.calls).toHaveLength(1);
    const { items } = (paused as NonNullable<typeof paused>).requiredAction as unknown as {
      items: { call_id: string }[];
    };
    const { call_id } = items[0] as { call_id: string };
    const run = { status: 'requires_action', id: 'run_1', requiredAction: paused?.requiredAction } as never;
    const { entries, left } = applyDecisions(run, journal.steps(), [{ call_id, decision, result }], 'key_1', 0);
    expect(left).toBeNull();
    journal.write(entries);
    const seen: string[] = [];
    const reply = (request: ModelRequest) => {
      seen.push(JSON.stringify(request.input));
      return calling('one')(request);
    };
    const { final } = await execute(agent, { reply, journal });
    expect(final?.status).toBe('completed');
    return { calls: one.calls.length, seen: seen.join() };
  };

  test('of a tool with the effect once stops the run and requires a decision', async () => {
    const { agent, one, journal } = await crashedInTool('once');
    const { paused } = await execute(agent, { reply: calling('one'), journal });
    expect(paused?.requiredAction).toMatchObject({ type: 'unknown_outcome', items: [{ tool: 'one', effect: 'once' }] });
    expect(one.calls).toHaveLength(1);
  });

  test('is executed again if the decision is retry', async () => {
    expect((await decide('retry')).calls).toBe(2);
  });

  test('has the result that the decision gives', async () => {
    const { calls, seen } = await decide('use_result');
    expect(calls).toBe(1);
    expect(seen).toContain('paid');
  });

  test('has the result that the decision gives, also with keys that the journal uses', async () => {
    const { seen } = await decide('use_result', { $tool_output: 'a', refused: {}, value: { $type: 'date' } });
    expect(JSON.parse(`[${seen}]`)).toMatchObject([
      expect.arrayContaining([
        expect.objectContaining({
          type: 'function_call_result',
          output: { type: 'text', text: '{"$tool_output":"a","refused":{},"value":{"$type":"date"}}' },
        }),
      ]),
    ]);
  });

  test('counts as failed if the decision is fail', async () => {
    const { calls, seen } = await decide('fail');
    expect(calls).toBe(1);
    expect(seen).toContain('not known');
  });
});
