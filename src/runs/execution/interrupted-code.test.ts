/**
 * Code that is at work when its execution ends early: because the outcome of a call inside of it is unknown, or because
 * the run was stopped.
 */
import {
  Agent,
  handoff,
  type ModelRequest,
  run as nestedRun,
  setTracingDisabled,
  shellTool,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { askedIn } from '../../../tests/support/run-over-crashes.ts';
import { itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { type AnyAgent, effect } from '../../agents/index.ts';
import { applyDecisions, type Decision } from '../approvals/decisions.ts';
import { RunStopped } from '../run-failure.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const none = z.object({});
const call = (name: string): StubReply => [{ call: name, id: name }];
const shellCall: StubReply = [
  { item: { type: 'shell_call', callId: 'sh', status: 'completed', action: { commands: ['deploy'] } } },
];
const isAnswered = (request: ModelRequest) => itemsOf(request).some(({ type }) => /_(result|output)$/.test(type ?? ''));

/** Replies of a main agent and of the agent in its tool: each makes one call first. */
const replying =
  (main: StubReply, inner: StubReply = 'done') =>
  (request: ModelRequest): StubReply =>
    isAnswered(request) ? 'done' : request.systemInstructions === 'inner' ? inner : main;

/** Something with an effect, in the first call of which its process dies. */
function deadly() {
  const begun = Promise.withResolvers<void>();
  const state = { times: 0, begun: begun.promise };
  const act = async (): Promise<void> => {
    state.times += 1;
    if (state.times > 1) return;
    begun.resolve();
    await new Promise(() => {}); // until its process dies
  };
  return { state, act };
}

type Deadly = ReturnType<typeof deadly>;
type Setup = { reply: (request: ModelRequest) => StubReply };

/** Executes a run up to the death of its process, again until it asks, and to its end after the decision. */
async function decided(make: () => AnyAgent, { state }: Deadly, setup: Setup, decision: Partial<Decision>) {
  const first = createMemoryJournal();
  void execute(make(), { ...setup, journal: first });
  await state.begun;
  const journal = createMemoryJournal();
  journal.write({ steps: first.steps(), events: [...first.events] });
  journal.attempts = 1;
  const asking = await execute(make(), { ...setup, journal });
  const run = { status: 'requires_action', id: 'run_1', requiredAction: asking.paused?.requiredAction } as never;
  const decisions = askedIn(asking).map(({ call_id }) => ({ call_id, ...decision }) as Decision);
  journal.write(applyDecisions(run, journal.steps(), decisions, 'key_1', 0).entries);
  const { final } = await execute(make(), { ...setup, journal });
  return { asked: askedIn(asking), final };
}

const charge = ({ act }: Deadly) =>
  effect(
    tool({
      name: 'charge',
      description: 'Charges.',
      parameters: none,
      execute: async () => {
        await act();
        return 'charged';
      },
    }),
    'once',
  );
const deploy = ({ act }: Deadly) =>
  shellTool({
    shell: {
      run: async () => {
        await act();
        return { output: [{ stdout: 'ok', stderr: '', outcome: { type: 'exit' as const, exitCode: 0 } }] };
      },
    },
  });

/** An agent whose tool runs an agent that has this tool. */
function withRunInTool(inner: object, catches = false): AnyAgent {
  const worker = new Agent({ name: 'inner', instructions: 'inner', tools: [inner as never] });
  const outer = tool({
    name: 'outer',
    description: 'Outer.',
    parameters: none,
    execute: async () => {
      try {
        return `worked: ${(await nestedRun(worker, 'go')).finalOutput}`;
      } catch (error) {
        if (catches) return 'did not work';
        throw error;
      }
    },
  });
  const behaviour = { stopAtToolNames: ['outer'] };
  return new Agent({ name: 'main', tools: [effect(outer, 'idempotent')], toolUseBehavior: behaviour });
}

describe('a call with an unknown outcome in a run() in a tool', () => {
  test.each([
    { what: 'a function tool', make: charge, reply: call('charge') },
    {
      what: 'a function tool, where the outer tool catches errors',
      make: charge,
      reply: call('charge'),
      catches: true,
    },
    { what: 'a local shell', make: deploy, reply: shellCall },
  ])('is asked about, and the outer call goes on after the decision: $what', async ({ make, reply, catches }) => {
    for (const decision of ['retry', 'use_result'] as const) {
      const one = deadly();
      const agent = () => withRunInTool(make(one), catches);
      const setup = { reply: replying(call('outer'), reply) };
      const { asked, final } = await decided(agent, one, setup, { decision, result: 'given' });
      expect(asked).toHaveLength(1);
      expect(final).toMatchObject({ status: 'completed', response: 'worked: done' });
      expect(one.state.times).toBe(decision === 'retry' ? 2 : 1);
    }
  });
});

test.each(['done', null, { agent: 'desk' }])(
  'an onHandoff that is once is not called again if its result is given: %j',
  async (result) => {
    const one = deadly();
    const make = () => {
      const desk = new Agent({ name: 'desk' });
      const toDesk = effect(handoff(desk, { onHandoff: one.act }), 'once');
      return new Agent({ name: 'main', handoffs: [toDesk] });
    };
    const setup = { reply: replying(call('transfer_to_desk')) };
    const { final } = await decided(make, one, setup, { decision: 'use_result', result });
    expect(final).toMatchObject({ status: 'completed', lastAgent: 'desk' });
    expect(one.state.times).toBe(1);
  },
);

test.each(['lease_lost', 'timed_out', 'cancelled'] as const)(
  'a tool that goes on after its run was stopped calls no model and no tool: %s',
  async (reason) => {
    const begun = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const over = Promise.withResolvers<unknown>();
    let charged = 0;
    const pay = tool({
      name: 'pay',
      description: 'Pays.',
      parameters: none,
      execute: () => {
        charged += 1;
        return 'paid';
      },
    });
    const inner = new Agent({ name: 'inner', instructions: 'inner', tools: [pay] });
    const slow = tool({
      name: 'slow',
      description: 'Slow.',
      parameters: none,
      execute: async () => {
        begun.resolve();
        await stopped.promise;
        const working = nestedRun(inner, 'go');
        over.resolve(
          working.then(
            () => null,
            (error) => error,
          ),
        );
        return String((await working).finalOutput);
      },
    });
    const controller = new AbortController();
    const main = new Agent({ name: 'main', tools: [slow] });
    const executing = execute(main, { reply: replying(call('slow'), call('pay')), signal: controller.signal });
    await begun.promise;
    controller.abort(new RunStopped(reason));
    const { stub } = await executing;
    stopped.resolve();
    expect(await over.promise).toBeInstanceOf(Error);
    expect(stub.calls()).toBe(1);
    expect(charged).toBe(0);
  },
);

describe('the result that is given for', () => {
  const guarded = (one: Deadly) => () => {
    const execute = async () => {
      await one.act();
      return { tripwireTriggered: false, outputInfo: null };
    };
    const guardrail = effect({ name: 'check', runInParallel: false, execute }, 'once');
    return new Agent({ name: 'main', inputGuardrails: [guardrail] });
  };

  test.each(['fine', null, {}, undefined])('a guardrail has to say whether the run goes on: not %j', async (result) => {
    const one = deadly();
    const deciding = decided(guarded(one), one, { reply: () => 'done' }, { decision: 'use_result', result });
    await expect(deciding).rejects.toMatchObject({ code: 'validation_failed' });
  });

  test.each([true, false])('a guardrail decides whether the run goes on: tripwireTriggered is %s', async (trips) => {
    const one = deadly();
    const result = { tripwireTriggered: trips };
    const { final } = await decided(guarded(one), one, { reply: () => 'done' }, { decision: 'use_result', result });
    expect(final?.status).toBe(trips ? 'failed' : 'completed');
    expect(one.state.times).toBe(1);
  });

  test('a local shell may be its text', async () => {
    const one = deadly();
    const seen: string[] = [];
    const reply = (request: ModelRequest) => {
      seen.push(JSON.stringify(itemsOf(request).at(-1)));
      return replying(shellCall)(request);
    };
    const make = () => new Agent({ name: 'main', tools: [deploy(one)] });
    const { final } = await decided(make, one, { reply }, { decision: 'use_result', result: 'deployed' });
    expect(final?.status).toBe('completed');
    expect(seen.at(-1)).toContain('"stdout":"deployed"');
  });
});
