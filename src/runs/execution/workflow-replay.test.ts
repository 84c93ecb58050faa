/** What a workflow does when its run is executed again. */
import { Agent, type ModelRequest, run, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { crashedAtEachWrite, decideAll } from '../../../tests/support/run-over-crashes.ts';
import { hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import { step } from '../../../tests/support/workflows.ts';
import { type WorkflowContext, workflow } from '../../agents/index.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

describe('the steps of a workflow', () => {
  test('are executed once, and give what they gave, also what JSON makes of it', async () => {
    const journal = createMemoryJournal();
    let executed = 0;
    const make = () =>
      workflow(async (ctx) => {
        const first = await step(ctx, 'count', () => ({ n: ++executed, at: new Date(0), none: undefined }));
        const second = await step(ctx, 'count', async () => ++executed);
        const nothing = await step(ctx, 'nothing', () => {});
        return [first, second, nothing];
      });
    const expected = [{ n: 1, at: '1970-01-01T00:00:00.000Z' }, 2, null];
    for (const _ of [1, 2]) {
      const { final } = await execute(make(), { reply: () => '', journal });
      expect(final).toMatchObject({ output: expected, drift: false });
    }
    expect(executed).toBe(2);
    const counts = journal.steps().filter(({ name }) => name === 'count');
    expect(counts.map(({ key, agent, effect: kind }) => [key, agent, kind])).toEqual([
      ['w:step:count.0', 'main', 'idempotent'],
      ['w:step:count.1', 'main', 'idempotent'],
    ]);
  });

  test('that throw throw the same again, which the code may catch', async () => {
    const journal = createMemoryJournal();
    let executed = 0;
    const make = () =>
      workflow(async (ctx) => {
        try {
          return await step(ctx, 'fails', () => {
            executed += 1;
            throw new RangeError('too far');
          });
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
      });
    for (const _ of [1, 2]) {
      const { final } = await execute(make(), { reply: () => '', journal });
      expect(final).toMatchObject({ response: 'RangeError: too far', drift: false });
    }
    expect(executed).toBe(1);
  });

  test('that throw fail the run if the code does not catch it', async () => {
    const failing = workflow((ctx) =>
      step(ctx, 'fails', () => {
        throw new RangeError('secret 4711');
      }),
    );
    const { final } = await execute(failing, { reply: () => '' });
    expect(final).toMatchObject({
      status: 'failed',
      error: { code: 'agent_error', detail: 'Agent error: RangeError' },
    });
  });

  test('may run agents, whose calls are recorded within them', async () => {
    const journal = createMemoryJournal();
    const helper = new Agent({ name: 'Helper' });
    const make = () => workflow((ctx) => step(ctx, 'ask', async () => (await run(helper, 'Hi')).finalOutput));
    for await (const crashed of crashedAtEachWrite(make, { reply: () => 'ok' })) {
      const { final, stub } = await execute(make(), { reply: () => 'ok', journal: crashed });
      expect(final).toMatchObject({ response: 'ok', drift: false });
      expect(stub.calls()).toBeLessThanOrEqual(1);
    }
    const { memory } = await execute(make(), { reply: () => 'ok', journal });
    expect(memory.steps().map(({ kind }) => kind)).toContain('model_call');
  });

  test.each([
    ['approved again', 'retry' as const, 2, 'paid 2'],
    ['given up', 'fail' as const, 1, 'OutcomeUnknown'],
  ])(
    'with an effect that happens once ask a person if their process died, and are %s',
    async (_what, decision, times, response) => {
      let paid = 0;
      const make = () =>
        workflow(async (ctx) => {
          await step(ctx, 'before', () => 1);
          const pay = () => `paid ${++paid}`;
          return ctx.step('pay', pay, { effect: 'once' }).catch((error: Error) => error.name);
        });
      const journal = createMemoryJournal();
      const died = Promise.withResolvers<void>();
      const { beforeWrite, write } = journal;
      let isDead = false;
      journal.beforeWrite = async ({ steps }) => {
        if (!isDead && !steps.some(({ name, status }) => name === 'pay' && status === 'completed')) return;
        isDead = true;
        died.resolve();
        await new Promise(() => {});
      };
      journal.write = (entries) => void (isDead || write(entries));
      await Promise.race([execute(make(), { reply: () => '', journal }), died.promise]);
      Object.assign(journal, { beforeWrite, write });
      expect(paid).toBe(1);
      const asked = await execute(make(), { reply: () => '', journal });
      expect(asked.paused?.requiredAction).toMatchObject({
        type: 'unknown_outcome',
        items: [{ call_id: 'step:pay.0', tool: 'pay', agent: 'main', effect: 'once' }],
      });
      expect(paid).toBe(1);
      decideAll(asked, decision);
      const { final } = await execute(make(), { reply: () => '', journal });
      expect(final).toMatchObject({ status: 'completed', response, drift: false });
      expect(paid).toBe(times);
    },
  );

  test('have names', async () => {
    const { final } = await execute(
      workflow((ctx) => step(ctx, '', () => 1)),
      { reply: () => '' },
    );
    expect(final?.error?.detail).toBe('Agent error: TypeError');
  });
});

describe('what would differ in another execution', () => {
  test('is recorded: the time, random numbers and ids', async () => {
    const journal = createMemoryJournal();
    const make = () => workflow((ctx) => [ctx.now(), ctx.random(), ctx.random(), ctx.uuid()]);
    const first = await execute(make(), { reply: () => '', journal });
    const again = await execute(make(), { reply: () => '', journal });
    const [at, one, other, id] = (first.final?.output ?? []) as [number, number, number, string];
    expect(Number.isSafeInteger(at)).toBe(true);
    expect(one).not.toBe(other);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(again.final).toMatchObject({ output: first.final?.output, drift: false });
  });

  test('is who came first: results come in the order in which they came before', async () => {
    const journal = createMemoryJournal();
    const racers = [new Agent({ name: 'A', instructions: 'A' }), new Agent({ name: 'B', instructions: 'B' })];
    const make = () =>
      workflow(async (ctx) => {
        const order: string[] = [];
        const race = racers.map(async (agent) => {
          const { finalOutput = '' } = await run(agent, 'Go');
          order.push(await step(ctx, 'arrived', () => finalOutput));
          return finalOutput;
        });
        const winner = await Promise.race(race);
        await Promise.all(race);
        await step(ctx, 'last', () => 1);
        return { winner, order };
      });
    const isBDone = Promise.withResolvers<void>();
    const reply = async ({ systemInstructions }: ModelRequest) => {
      if (systemInstructions === 'A') await isBDone.promise;
      return systemInstructions ?? '';
    };
    journal.beforeWrite = async ({ steps }) => {
      if (steps.some(({ key }) => key === 'w:step:arrived.0')) isBDone.resolve();
    };
    const expected = { winner: 'B', order: ['B', 'A'] };
    for (const _ of [1, 2, 3]) {
      const { final, stub } = await execute(make(), { reply, journal });
      expect(final).toMatchObject({ output: expected, drift: false });
      expect(stub.calls()).toBe(_ === 1 ? 2 : 0);
    }
  });

  test.each<[string, (ctx: WorkflowContext) => unknown]>([
    ['a step is not reached', () => 'same'],
    ['a step has another name', (ctx) => step(ctx, 'other', () => 1).then(() => 'same')],
    [
      'an agent gets another input',
      async (ctx) => {
        await step(ctx, 'first', () => 1);
        await run(new Agent({ name: 'A' }), 'other');
        return 'same';
      },
    ],
  ])('is reported as drift: %s', async (_what, changed) => {
    const journal = createMemoryJournal();
    const code = async (ctx: WorkflowContext) => {
      await step(ctx, 'first', () => 1);
      await run(new Agent({ name: 'A' }), 'one');
      return 'same';
    };
    const first = await execute(workflow(code), { reply: () => 'ok', journal });
    expect(first.final?.drift).toBe(false);
    expect((await execute(workflow(code), { reply: () => 'ok', journal })).final?.drift).toBe(false);
    const { final } = await execute(workflow(changed), { reply: () => 'ok', journal });
    expect(final).toMatchObject({ status: 'completed', drift: true });
  });
});

describe('the context of a workflow', () => {
  const context = () => ({ count: 0, seen: [] as string[] });
  const add = tool({
    name: 'add',
    description: 'Adds.',
    parameters: z.object({}),
    execute: async (_input, ctx) => {
      (ctx?.context as { count: number }).count += 1;
      return 'added';
    },
  });
  const adder = new Agent({ name: 'Adder', tools: [add] });
  const reply = (request: ModelRequest): StubReply => (hasToolResult(request) ? 'ok' : [{ call: 'add', id: 'c' }]);

  test('is changed by steps and by the tools of its agents, once, wherever the process dies', async () => {
    const make = () =>
      workflow(async (ctx) => {
        await step(ctx, 'see', () => void ctx.context.seen.push('one'));
        await ctx.run(adder, 'Add');
        await run(adder, 'Add', { context: ctx.context });
        await step(ctx, 'see', () => void ctx.context.seen.push('two'));
        return ctx.context;
      });
    const expected = { count: 2, seen: ['one', 'two'] };
    const plain = await execute(make(), { reply, context });
    expect(plain.final).toMatchObject({ output: expected, drift: false });
    for await (const journal of crashedAtEachWrite(make, { reply, context })) {
      const { final } = await execute(make(), { reply, context, journal });
      expect(final).toMatchObject({ output: expected, drift: false });
    }
  });

  test('cannot be changed by the code between its steps, which is executed again', async () => {
    const attempts = workflow((ctx) => {
      const changes = [
        () => (ctx.context.count = 1),
        () => ctx.context.seen.push('x'),
        () => delete ctx.context.count,
        () => Object.defineProperty(ctx.context, 'x', { value: 1 }),
      ];
      return changes.map((change) => {
        try {
          return change();
        } catch (error) {
          return (error as Error).name;
        }
      });
    });
    const { final } = await execute(attempts, { reply, context });
    expect(final?.output).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError']);
  });
});
