import { Agent, type ModelRequest, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { calling, callsOf } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { crashAt, decide, type Executed } from '../../../tests/support/run-over-crashes.ts';
import { itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { type AnyAgent, effect } from '../../agents/index.ts';
import { currentCall } from '../execution/run-scope.ts';
import { patchNestedRuns } from '../execution/sdk-patches.ts';
import type { Decision } from './decisions.ts';

setTracingDisabled(true);
patchNestedRuns();

/** A tool that needs approval, and the ids of its calls that were executed. */
function createApprovalTool(name: string, needsApproval: boolean | (() => Promise<boolean>) = true) {
  const executed: string[] = [];
  const approvalTool = tool({
    name,
    description: name,
    parameters: z.object({}),
    needsApproval,
    execute: async () => `${name} ${executed.push(currentCall().callId)}`,
  });
  return { tool: approvalTool, executed };
}

type Item = { call_id: string; tool: string; agent: string; effect: string };
const itemsIn = ({ paused }: Executed): Item[] =>
  (paused?.requiredAction as { items: Item[] } | undefined)?.items ?? [];

const approve = (call_id: string): Decision => ({ call_id, decision: 'approve' });
const outputsIn = (request: ModelRequest | undefined) =>
  JSON.stringify(request && itemsOf(request).filter(({ type }) => type === 'function_call_result'));

describe('a call that needs an approval', () => {
  test.each([
    { how: 'always', needsApproval: true },
    { how: 'as a function says', needsApproval: async () => true },
  ])('is not executed before a decision ($how)', async ({ needsApproval }) => {
    const refund = createApprovalTool('refund', needsApproval);
    const agent = new Agent({ name: 'main', tools: [effect(refund.tool, 'once')] });
    const first = await execute(agent, { reply: calling('refund') });
    expect(itemsIn(first)).toMatchObject([{ tool: 'refund', agent: 'main', effect: 'once' }]);
    expect(refund.executed).toEqual([]);
  });

  test('is executed once after approval, even if the run is replayed several times', async () => {
    const refund = createApprovalTool('refund');
    const agent = new Agent({ name: 'main', tools: [refund.tool] });
    const first = await execute(agent, { reply: calling('refund') });
    decide(first, [approve('call_refund_0')]);
    const second = await execute(agent, { reply: calling('refund'), journal: first.memory });
    expect(second.final).toMatchObject({ status: 'completed', response: 'done', drift: false });
    expect([second.stub.calls(), refund.executed.length]).toEqual([1, 1]);
    const third = await execute(agent, { reply: calling('refund'), journal: second.memory });
    expect([third.stub.calls(), refund.executed.length]).toEqual([0, 1]);
  });

  test('is not executed if it is rejected, and the model gets the reason', async () => {
    const refund = createApprovalTool('refund');
    const agent = new Agent({ name: 'main', tools: [refund.tool] });
    const first = await execute(agent, { reply: calling('refund') });
    decide(first, [{ call_id: 'call_refund_0', decision: 'reject', reason: 'over the limit' }]);
    const second = await execute(agent, { reply: calling('refund'), journal: first.memory });
    expect(second.final).toMatchObject({ status: 'completed', drift: false });
    expect(refund.executed).toEqual([]);
    expect(outputsIn(second.stub.requests.at(-1))).toContain('over the limit');
  });

  test('is decided independently of other calls in the same model answer', async () => {
    const [refund, letter] = [createApprovalTool('refund'), createApprovalTool('letter')];
    const agent = new Agent({ name: 'main', tools: [refund.tool, letter.tool] });
    const reply = calling('refund', 'letter', 'refund');
    const first = await execute(agent, { reply });
    expect(itemsIn(first).map(({ call_id }) => call_id)).toEqual(['call_refund_0', 'call_letter_1', 'call_refund_2']);
    decide(first, [
      approve('call_refund_0'),
      { call_id: 'call_letter_1', decision: 'reject' },
      approve('call_refund_2'),
    ]);
    const second = await execute(agent, { reply, journal: first.memory });
    expect(second.final?.status).toBe('completed');
    expect([refund.executed, letter.executed]).toEqual([['call_refund_0', 'call_refund_2'], []]);
  });

  test('is recorded with the key that decided', async () => {
    const agent = new Agent({ name: 'main', tools: [createApprovalTool('refund').tool] });
    const first = await execute(agent, { reply: calling('refund') });
    decide(first, [approve('call_refund_0')], 'key_7');
    expect(first.memory.steps().at(-1)).toMatchObject({
      kind: 'approval',
      callId: 'call_refund_0',
      output: { decision: 'approve', by: 'key_7' },
    });
  });
});

const isInner = (request: ModelRequest) => request.systemInstructions?.includes('inner') ?? false;
const resultsIn = (request: ModelRequest) => itemsOf(request).filter(({ type }) => type === 'function_call_result');

/** Two consecutive calls that need approval, within an agent used as a tool. */
function nested() {
  const [refund, letter] = [createApprovalTool('refund'), createApprovalTool('letter')];
  const inner = new Agent({
    name: 'inner',
    instructions: 'You are the inner agent.',
    tools: [refund.tool, letter.tool],
  });
  const agent: AnyAgent = new Agent({
    name: 'main',
    tools: [inner.asTool({ toolName: 'ask', toolDescription: 'asks' })],
  });
  const reply = (request: ModelRequest): StubReply => {
    const results = resultsIn(request).length;
    if (!isInner(request)) return results === 0 ? [{ call: 'ask', args: { input: 'x' }, id: 'a1' }] : 'done';
    return [callsOf('refund'), callsOf('letter'), 'inner done'][results] ?? 'inner done';
  };
  return { agent, reply, effects: () => [...refund.executed, ...letter.executed] };
}

describe.each(['blocking', 'stream'] as const)('calls within an agent used as a tool (%s)', (mode) => {
  test('require approval one after the other, and each is executed once', async () => {
    const { agent, reply, effects } = nested();
    let execution = await execute(agent, { reply, mode });
    for (const callId of ['call_refund_0', 'call_letter_0']) {
      expect(itemsIn(execution)).toMatchObject([{ call_id: callId, agent: 'inner' }]);
      decide(execution, [approve(callId)]);
      execution = await execute(agent, { reply, mode, journal: execution.memory });
    }
    expect(execution.final).toMatchObject({ status: 'completed', response: 'done', drift: false });
    expect(effects()).toEqual(['call_refund_0', 'call_letter_0']);
    // The scope is derived from the input of the agent, not from the SDK's serialized state.
    const scopes = execution.memory
      .steps()
      .flatMap(({ kind, scope }) => (kind === 'model_call' && scope ? [scope] : []));
    expect(new Set(scopes.map((scope) => scope.replace(/\d+$/, ''))).size).toBe(1);
    expect(scopes.map((scope) => scope.at(-1))).toEqual(['0', '1', '2']);
    const again = await execute(agent, { reply, mode, journal: execution.memory });
    expect(again.final).toMatchObject({ status: 'completed', drift: false });
    expect([again.stub.calls(), effects().length]).toEqual([0, 2]);
  });

  test('are not repeated when the process dies at any write after a decision', async () => {
    for (let writesLeft = 0; ; writesLeft += 1) {
      const { agent, reply, effects } = nested();
      const first = await execute(agent, { reply, mode });
      decide(first, [approve('call_refund_0')]);
      const journal = first.memory;
      const crashed = await crashAt(writesLeft, journal, () => execute(agent, { reply, mode, journal }));
      const second = await execute(agent, { reply, mode, journal: first.memory });
      decide(second, [approve('call_letter_0')]);
      const third = await execute(agent, { reply, mode, journal: first.memory });
      expect(third.final).toMatchObject({ status: 'completed', response: 'done', drift: false });
      const refunds = effects().filter((callId) => callId === 'call_refund_0').length;
      expect(refunds).toBeLessThanOrEqual(2); // executed again only if the outcome was not recorded
      const recorded = first.memory
        .steps()
        .filter(({ callId, kind }) => callId === 'call_refund_0' && kind === 'tool_call');
      expect(recorded).toHaveLength(1);
      if (!crashed) return;
    }
  });
});
