import { Agent, hostedMcpTool, type ModelRequest, Runner, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createStubModel, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import type { Step } from '../../storage/port/index.ts';
import { patchNestedRuns } from '../execution/sdk-patches.ts';
import type { RequiredAction } from '../views/schemas.ts';
import { applyDecisions, type Decision } from './decisions.ts';
import { callIdOf } from './required-action.ts';

setTracingDisabled(true);
patchNestedRuns();

type Executed = Awaited<ReturnType<typeof execute>>;
type Answers = Record<string, Omit<Decision, 'call_id'>>;
type Case = { agent: Agent; reply: (request: ModelRequest) => StubReply; effects: string[] };

/** A tool that needs approval and notes its calls in `effects`. */
const guarded = (name: string, effects: string[]) =>
  tool({
    name,
    description: name,
    parameters: z.object({ n: z.number() }),
    needsApproval: true,
    execute: async ({ n }) => `${name} ${n} ${effects.push(`${name} ${n}`)}`,
  });

const answersOf = (request: ModelRequest): number =>
  itemsOf(request).filter(({ type }) => type === 'function_call_result' || type === 'hosted_tool_call').length;

const call = (name: string, n: number) => ({ call: name, args: { n }, id: `${name}_${n}` });

/** Three rounds of calls of two tools: `refund` twice at once, then `refund` and `letter`, then `refund`. */
function rounds(): Case {
  const effects: string[] = [];
  const agent = new Agent({ name: 'main', tools: [guarded('refund', effects), guarded('letter', effects)] });
  const turns: Record<number, StubReply> = {
    0: [call('refund', 1), call('refund', 2)],
    2: [call('refund', 3), call('letter', 1)],
    4: [call('refund', 4)],
  };
  return { agent, reply: (request) => turns[answersOf(request)] ?? 'done', effects };
}

/** The same agent used as a tool twice, each time with a call that needs approval. */
function nested(): Case {
  const effects: string[] = [];
  const inner = new Agent({ name: 'inner', instructions: 'inner', tools: [guarded('refund', effects)] });
  const ask = inner.asTool({ toolName: 'ask', toolDescription: 'asks', needsApproval: true });
  const agent = new Agent({ name: 'main', tools: [ask] });
  const reply = (request: ModelRequest): StubReply => {
    const [first] = itemsOf(request) as { content: string }[];
    const answered = answersOf(request);
    if (request.systemInstructions === 'inner') {
      return answered === 0 ? [call('refund', Number(first?.content))] : 'inner done';
    }
    return answered > 1 ? 'done' : [{ call: 'ask', args: { input: `${answered}` }, id: `ask_${answered}` }];
  };
  return { agent, reply, effects };
}

/** Two rounds of calls of a hosted MCP server, which the provider carries out once they are approved. */
function hosted(): Case {
  const agent = new Agent({
    name: 'main',
    tools: [hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://docs.example/mcp', requireApproval: 'always' })],
  });
  const request = (id: string, name: string) => ({
    item: {
      type: 'hosted_tool_call',
      id,
      name: 'mcp_approval_request',
      status: 'completed',
      providerData: { type: 'mcp_approval_request', id, name, server_label: 'docs', arguments: '{"q":"x"}' },
    },
  });
  const turns: Record<number, StubReply> = {
    0: [request('m1', 'search'), request('m2', 'search')],
    4: [request('m3', 'search'), request('m4', 'read')],
  };
  return { agent, reply: (asked) => turns[answersOf(asked)] ?? 'done', effects: [] };
}

/** What the SDK's own `run()` asks and sends, with the decisions of `answers` by call. */
async function bySdk({ agent, reply, effects }: Case, answers: Answers) {
  const stub = createStubModel(reply);
  const runner = new Runner({ modelProvider: stub.provider, tracingDisabled: true, model: 'stub-1' });
  const asked: string[][] = [];
  let result = await runner.run(agent, 'hello');
  while (result.interruptions.length > 0) {
    asked.push(result.interruptions.map(({ rawItem }) => callIdOf(rawItem)));
    for (const item of result.interruptions) {
      const given = answers[callIdOf(item.rawItem)];
      if (!given) continue;
      const { decision, always, reason: message } = given;
      if (decision === 'approve') result.state.approve(item, { alwaysApprove: always });
      else result.state.reject(item, { alwaysReject: always, message });
    }
    result = await runner.run(agent, result.state);
  }
  return { asked, effects, inputs: stub.requests.map(itemsOf), output: result.finalOutput };
}

const actionOf = ({ paused }: Executed) => paused?.requiredAction as RequiredAction | null | undefined;

/** Decides about a run that waits, in one request for each list of decisions; throws if the last leaves items. */
function decide({ memory }: Executed, action: RequiredAction, requests: Decision[][]): void {
  let left: unknown = action;
  for (const decisions of requests) {
    const run = { status: 'requires_action', id: 'run_1', requiredAction: left } as never;
    const applied = applyDecisions(run, memory.steps(), decisions, 'key_1', 0);
    memory.write(applied.entries);
    left = applied.left;
  }
  expect(left).toBeNull();
}

/** What the service asks and sends, over as many attempts as there are pauses. */
async function byService({ agent, reply, effects }: Case, answers: Answers) {
  const asked: string[][] = [];
  const inputs: ReturnType<typeof itemsOf>[] = [];
  let execution = await execute(agent, { reply });
  for (;;) {
    inputs.push(...execution.stub.requests.map(itemsOf));
    const action = actionOf(execution);
    if (!action) break;
    asked.push(action.items.map(({ call_id }) => call_id));
    const given = action.items.flatMap(({ call_id }) => (answers[call_id] ? [{ call_id, ...answers[call_id] }] : []));
    decide(execution, action, [given]);
    execution = await execute(agent, { reply, journal: execution.memory });
  }
  return { execution, observed: { asked, effects, inputs, output: execution.final?.response } };
}

const always = { decision: 'approve', always: true } as const;
const never = { decision: 'reject', always: true, reason: 'not today' } as const;
const once = { decision: 'approve' } as const;

const cases: { name: string; make: () => Case; answers: Answers }[] = [
  { name: 'approve one tool, ask about the other', make: rounds, answers: { refund_1: always, letter_1: once } },
  { name: 'reject one tool with a reason', make: rounds, answers: { refund_1: never, letter_1: once } },
  {
    name: 'reject one tool without a reason',
    make: rounds,
    answers: { refund_1: { decision: 'reject', always: true }, letter_1: once },
  },
  {
    name: 'approve after single decisions',
    make: rounds,
    answers: { refund_1: once, refund_2: { decision: 'reject' }, refund_3: always, letter_1: never },
  },
  {
    name: 'an agent used as a tool, and the tool inside it',
    make: nested,
    answers: { ask_0: always, refund_0: always },
  },
  {
    name: 'the tool inside an agent used as a tool',
    make: nested,
    answers: { ask_0: once, ask_1: once, refund_0: never },
  },
  { name: 'a tool of a hosted MCP server', make: hosted, answers: { m1: always, m4: once } },
  { name: 'reject a tool of a hosted MCP server', make: hosted, answers: { m1: never, m4: never } },
];

describe('a decision for all calls of a tool', () => {
  test.each(cases)('asks and sends what the SDK does: $name', async ({ make, answers }) => {
    const [own, sdk] = [await byService(make(), answers), await bySdk(make(), answers)];
    expect(own.observed).toEqual(sdk);
    expect(own.execution.final).toMatchObject({ status: 'completed', drift: false });
  });

  test.each(cases)('holds in every replay, without a question and without a call: $name', async ({ make, answers }) => {
    const { agent, reply, effects } = make();
    const { execution } = await byService({ agent, reply, effects }, answers);
    const effectsBefore = effects.length;
    const again = await execute(agent, { reply, journal: execution.memory });
    expect(again.final).toMatchObject({ status: 'completed', drift: false });
    expect([again.stub.calls(), effects.length]).toEqual([0, effectsBefore]);
  });
});

describe('decisions that are given one by one', () => {
  async function paused() {
    const { agent, reply, effects } = rounds();
    const first = await execute(agent, { reply });
    return { agent, reply, effects, first, action: actionOf(first) as RequiredAction };
  }
  const decisionsIn = (steps: Step[]) =>
    steps.flatMap(({ kind, callId, output }) => (kind === 'approval' ? [{ callId, output }] : []));

  test('are complete once one of them covers the rest', async () => {
    const { agent, reply, effects, first, action } = await paused();
    expect(action.items.map(({ always_covers }) => always_covers)).toEqual(['main/refund', 'main/refund']);
    decide(first, action, [[{ call_id: 'refund_1', ...always }]]);
    expect(decisionsIn(first.memory.steps())).toEqual([
      { callId: 'refund_1', output: { decision: 'approve', by: 'key_1', always: true } },
      { callId: 'refund_2', output: { decision: 'approve', by: 'key_1', covered_by: 'refund_1' } },
    ]);
    const second = await execute(agent, { reply, journal: first.memory });
    expect(effects.toSorted()).toEqual(['refund 1', 'refund 2', 'refund 3']);
    expect(actionOf(second)?.items.map(({ call_id }) => call_id)).toEqual(['letter_1']);
  });

  test.each([
    {
      order: 'before',
      requests: [[{ call_id: 'refund_2', decision: 'reject' }], [{ call_id: 'refund_1', ...always }]],
    },
    {
      order: 'in one request',
      requests: [
        [
          { call_id: 'refund_2', decision: 'reject' },
          { call_id: 'refund_1', ...always },
        ],
      ],
    },
  ] as { order: string; requests: Decision[][] }[])(
    'a call that was rejected $order is not executed by a decision for all',
    async ({ requests }) => {
      const { agent, reply, effects, first, action } = await paused();
      decide(first, action, requests);
      await execute(agent, { reply, journal: first.memory });
      expect(effects.toSorted()).toEqual(['refund 1', 'refund 3']);
    },
  );
});

describe('a decision for all calls is refused', () => {
  const item = {
    call_id: 'c1',
    tool: 'refund',
    arguments: {},
    agent: 'main',
    effect: 'once',
    always_covers: 'main/refund',
  };
  const decideAbout = (type: string, items: object[], decisions: Decision[]) => () =>
    applyDecisions(
      { status: 'requires_action', id: 'run_1', requiredAction: { type, items } } as never,
      [],
      decisions,
      'key_1',
      0,
    );
  const invalid = expect.objectContaining({ code: 'validation_failed' });

  test('about the outcome of a call', () => {
    expect(decideAbout('unknown_outcome', [item], [{ call_id: 'c1', decision: 'retry', always: true }])).toThrow(
      invalid,
    );
  });

  test('if another one in the same request contradicts it', () => {
    const both = [item, { ...item, call_id: 'c2' }];
    expect(
      decideAbout('approval', both, [
        { call_id: 'c1', ...always },
        { call_id: 'c2', ...never },
      ]),
    ).toThrow(invalid);
  });

  test('about a call for which the SDK cannot keep it', () => {
    expect(decideAbout('approval', [{ ...item, always_covers: null }], [{ call_id: 'c1', ...always }])).toThrow(
      invalid,
    );
  });
});
