/** Approvals that runs of a workflow wait for. */
import { Agent, type ModelRequest, run, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { askedIn, crashedAtEachWrite, decideAll, executeApproved } from '../../../tests/support/run-over-crashes.ts';
import { hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import { firstTextOf, step, ticks } from '../../../tests/support/workflows.ts';
import { effect, workflow } from '../../agents/index.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

describe('approvals in a workflow', () => {
  let paid: string[] = [];
  const pay = effect(
    tool({
      name: 'pay',
      description: 'Pays.',
      parameters: z.object({ to: z.string() }),
      needsApproval: true,
      execute: ({ to }) => {
        paid.push(to);
        return `paid ${to}`;
      },
    }),
    'once',
  );
  const payer = new Agent({ name: 'Payer', instructions: 'pay', tools: [pay] });
  const helper = new Agent({ name: 'Helper', instructions: 'help' });
  const reply = (request: ModelRequest): StubReply => {
    if (request.systemInstructions === 'help') return 'helped';
    const to = firstTextOf(request);
    return hasToolResult(request) ? `${to} is paid` : [{ call: 'pay', args: { to }, id: `pay_${to}` }];
  };
  const payments = () =>
    workflow(async (ctx) => {
      const [help, ...answers] = await Promise.all([
        run(helper, 'Help'),
        ...['a', 'b'].map((to) => ctx.run(payer, to)),
      ]);
      return [help, ...answers].map(({ finalOutput }) => finalOutput);
    });
  const expected = ['helped', 'a is paid', 'b is paid'];

  test('are asked for together once nothing else is in progress, and the run goes on with the decisions', async () => {
    paid = [];
    const asked = await execute(payments(), { reply });
    expect(askedIn(asked)).toMatchObject([
      { call_id: 'pay_a', tool: 'pay', agent: 'Payer', effect: 'once' },
      { call_id: 'pay_b', tool: 'pay', agent: 'Payer', effect: 'once' },
    ]);
    expect(paid).toEqual([]);
    decideAll(asked);
    const { final, stub } = await execute(payments(), { reply, journal: asked.memory });
    expect(final).toMatchObject({ status: 'completed', output: expected, drift: false });
    expect(paid.sort()).toEqual(['a', 'b']);
    expect(stub.calls()).toBe(2); // the answers after the payments
  });

  test('are given once, wherever the process dies', async () => {
    for await (const journal of crashedAtEachWrite(payments, { reply })) {
      paid = [];
      const { final } = await executeApproved(payments(), { reply, journal });
      expect(final).toMatchObject({ status: 'completed', output: expected, drift: false });
      expect(paid.length).toBeLessThanOrEqual(4);
    }
  });

  test('count for their own call, also if another run has recorded one with its id that is replayed later', async () => {
    const journal = createMemoryJournal();
    const late = () =>
      workflow(async (ctx) => {
        const second = async () => {
          await ticks(20);
          return ctx.run(payer, 'b');
        };
        await Promise.all([ctx.run(payer, 'a'), second()]);
      });
    const sameIds = (request: ModelRequest): StubReply => [
      { call: 'pay', args: { to: firstTextOf(request) }, id: 'x' },
    ];
    const died = Promise.withResolvers<void>();
    const { beforeWrite } = journal;
    journal.beforeWrite = async ({ steps }) => {
      if (steps.some(({ kind }) => kind === 'model_call')) void ticks(5).then(died.resolve);
    };
    const reply = (request: ModelRequest) =>
      firstTextOf(request) === 'a' ? new Promise<StubReply>(() => {}) : sameIds(request);
    await Promise.race([execute(late(), { reply, journal }), died.promise]);
    Object.assign(journal, { beforeWrite });
    const first = await execute(late(), { reply: sameIds, journal });
    expect(askedIn(first)).toMatchObject([{ call_id: 'x_2', arguments: { to: 'a' } }]);
    decideAll(first);
    const second = await execute(late(), { reply: (request) => (hasToolResult(request) ? 'ok' : ''), journal });
    expect(askedIn(second)).toMatchObject([{ call_id: 'x', arguments: { to: 'b' } }]);
  });

  test('that the code itself decides are those of the SDK', async () => {
    paid = [];
    const deciding = workflow(async () => {
      let result = await run(payer, 'a');
      for (const item of result.interruptions) result.state.reject(item, { message: 'no' });
      result = await run(payer, result.state);
      return result.finalOutput;
    });
    const { final } = await execute(deciding, { reply });
    expect([final?.response, paid]).toEqual(['a is paid', []]);
  });

  test('cannot be waited for in a step', async () => {
    const inStep = workflow((ctx) => step(ctx, 'pay', async () => (await ctx.run(payer, 'a')).finalOutput));
    const { final } = await execute(inStep, { reply });
    expect(final).toMatchObject({ status: 'failed', error: { code: 'agent_error' } });
  });
});
