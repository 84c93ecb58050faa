/**
 * Workflows: code between runs, compared with the same code over the SDK's own runner, and in runs whose process dies at
 * each journal write.
 */
import { Agent, type ModelRequest, Runner, run, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { askedIn, crashedAtEachWrite, decideAll, executeApproved } from '../../../tests/support/run-over-crashes.ts';
import { createStubModel, hasToolResult, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { effect, type WorkflowContext, workflow } from '../../agents/index.ts';
import { RunStopped } from '../run-failure.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const modes = ['blocking', 'stream'] as const;
const plan = z.object({ searches: z.array(z.string()) });

/** The shape of a research bot: a plan, searches at the same time, a report; `note` is told of each search. */
function research(note: (query: string) => void = () => {}) {
  const look = effect(
    tool({
      name: 'look',
      description: 'Looks up.',
      parameters: z.object({ query: z.string() }),
      execute: ({ query }) => {
        note(query);
        return `found ${query}`;
      },
    }),
    'idempotent',
  );
  const planner = new Agent({ name: 'Planner', instructions: 'plan', outputType: plan });
  const searcher = new Agent({ name: 'Searcher', instructions: 'search', tools: [look] });
  const writer = new Agent({ name: 'Writer', instructions: 'write' });
  return async (start: typeof run, input: string): Promise<string> => {
    const { finalOutput } = await start(planner, `Plan: ${input}`);
    const searches = finalOutput?.searches ?? [];
    const found = await Promise.all(
      searches.map(async (query) => {
        try {
          return (await start(searcher, query)).finalOutput;
        } catch {
          return `nothing for ${query}`;
        }
      }),
    );
    return (await start(writer, found.join('; '))).finalOutput ?? '';
  };
}

const firstTextOf = (request: ModelRequest): string => {
  const [first] = itemsOf(request);
  return first && 'content' in first && typeof first.content === 'string' ? first.content : '';
};

function researchReply(request: ModelRequest): StubReply {
  switch (request.systemInstructions) {
    case 'plan':
      return JSON.stringify({ searches: ['a', 'b', 'c'] });
    case 'search': {
      const query = firstTextOf(request);
      if (query === 'c') throw new Error('no c today');
      return hasToolResult(request) ? `about ${query}` : [{ call: 'look', args: { query }, id: `look_${query}` }];
    }
    default:
      return `Report of ${firstTextOf(request)}`;
  }
}

const ticks = async (count: number) => {
  for (let tick = 0; tick < count; tick += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** As `researchReply`, after some ticks, so that the journal is written between answers. */
function slowly() {
  let asked = 0;
  return async (request: ModelRequest): Promise<StubReply> => {
    asked += 1;
    await ticks((asked % 6) * 3);
    return researchReply(request);
  };
}

const report = 'Report of about a; about b; nothing for c';
const researchWorkflow = (note?: (query: string) => void) => {
  const code = research(note);
  return workflow(({ input }) => code(run, input.text));
};

/** What of a request reaches a provider, in an order that does not depend on which of several came first. */
const sent = (requests: readonly ModelRequest[]) =>
  requests
    .map(({ systemInstructions, input, tools, outputType }) => ({ systemInstructions, input, tools, outputType }))
    .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

const joined = (events: { type: string; delta?: unknown }[]) =>
  events.map(({ type, delta }) => (type === 'text.delta' ? delta : '')).join('');

const step = <T>(ctx: WorkflowContext, name: string, code: () => T | Promise<T>) => ctx.step(name, code);

describe('a plan, searches at the same time, and a report', () => {
  test.each(modes)('ask the provider what the same code over the SDK alone asks (%s)', async (mode) => {
    const stub = createStubModel(researchReply);
    const runner = new Runner({ modelProvider: stub.provider, model: 'stub-1' });
    const expected = await research()(runner.run.bind(runner) as typeof run, 'hello');
    const { final, stub: ours, events } = await execute(researchWorkflow(), { reply: researchReply, mode });
    expect(final).toMatchObject({ status: 'completed', response: expected, output: null, lastAgent: 'main' });
    expect(expected).toBe(report);
    expect(sent(ours.requests)).toEqual(sent(stub.requests));
    expect(final?.usage.requests).toBe(6);
    expect(joined(events)).toBe(report);
  });

  test('go on where their process died, at whatever journal write, with nothing done twice and no drift', async () => {
    let notes: string[] = [];
    const make = () => researchWorkflow((query) => notes.push(query));
    let crashes = 0;
    for await (const journal of crashedAtEachWrite(make, { reply: slowly() })) {
      crashes += 1;
      const { final, events } = await execute(make(), { reply: researchReply, journal });
      expect(final).toMatchObject({ status: 'completed', response: report, drift: false });
      for (const query of ['a', 'b']) {
        const times = notes.filter((each) => each === query).length;
        expect(times).toBeGreaterThanOrEqual(1);
        expect(times).toBeLessThanOrEqual(2); // its process died before it was recorded
      }
      expect(joined(events)).toBe(report);
      notes = [];
      const again = await execute(make(), { reply: researchReply, journal });
      expect(again.final).toMatchObject({ response: report, drift: false });
      expect([again.stub.calls(), notes]).toEqual([0, []]);
      expect(joined(again.events)).toBe(report);
    }
    expect(crashes).toBeGreaterThan(5);
  });

  test('show in the journal which run each step belongs to', async () => {
    const { memory } = await execute(researchWorkflow(), { reply: researchReply });
    const runs = memory.steps().filter(({ key }) => key.startsWith('r:'));
    expect(runs.map(({ kind, name, status }) => [kind, name, status]).sort()).toEqual([
      ['step', 'Planner', 'completed'],
      ['step', 'Searcher', 'completed'],
      ['step', 'Searcher', 'completed'],
      ['step', 'Searcher', 'failed'],
      ['step', 'Writer', 'completed'],
    ]);
    const scopes = new Set(runs.map(({ input }) => (input as { scope: string }).scope));
    const calls = memory.steps().filter(({ kind }) => kind === 'model_call');
    expect(calls.every(({ scope }) => scopes.has(scope))).toBe(true);
  });
});

describe('the answer of a workflow', () => {
  test.each<[string, unknown, string, unknown]>([
    ['text', 'yes', 'yes', null],
    ['nothing', undefined, '', null],
    ['an object', { a: [1], b: undefined }, '{"a":[1]}', { a: [1] }],
    ['a number', 0, '0', 0],
    ['false', false, 'false', false],
  ])('is %s, as text and as a value', async (_what, returned, response, output) => {
    const { final, events } = await execute(
      workflow(() => returned),
      { reply: () => '' },
    );
    expect(final).toMatchObject({ status: 'completed', response, output });
    expect(joined(events)).toBe(response);
  });

  test('is what its output schema makes of it', async () => {
    const output = z.object({ title: z.string().trim(), pages: z.number().default(1) });
    const { final } = await execute(
      workflow({ output }, () => ({ title: ' A ' })),
      { reply: () => '' },
    );
    expect(final).toMatchObject({ output: { title: 'A', pages: 1 }, response: '{"title":"A","pages":1}' });
  });

  const circular: Record<string, unknown> = {};
  circular.self = circular;
  test.each<[string, () => unknown, string]>([
    ['does not fit its schema', () => ({ title: 1 }), 'does not fit its output schema at "title"'],
    ['is a function', () => () => 1, 'does not fit its output schema'],
  ])('that %s fails the run and says where', async (_what, code, detail) => {
    const { final } = await execute(workflow({ output: z.object({ title: z.string() }) }, code), { reply: () => '' });
    expect(final).toMatchObject({ status: 'failed', error: { code: 'agent_error', retryable: false } });
    expect(final?.error?.detail).toContain(detail);
  });

  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['circular', circular],
    ['a bigint', 1n],
  ])('that is no JSON (%s) fails the run', async (_what, returned) => {
    const { final } = await execute(
      workflow(() => returned),
      { reply: () => '' },
    );
    expect(final?.error).toMatchObject({ code: 'agent_error', detail: expect.stringContaining('JSON value') });
  });

  test('becomes an item of the session, after the input of its user', async () => {
    const history = [{ type: 'message', role: 'user', content: 'before' }];
    const seen: unknown[] = [];
    const chat = workflow(({ history: items, input }) => {
      seen.push(items);
      return `You said ${input.text}.`;
    });
    const { final } = await execute(chat, { reply: () => '', history });
    expect(seen).toEqual([history]);
    expect(final?.newItems).toEqual([
      { type: 'message', role: 'user', content: 'hello' },
      {
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'You said hello.' }],
      },
    ]);
  });

  test('withdraws another answer that an execution before has shown', async () => {
    const journal = createMemoryJournal();
    await execute(
      workflow(() => 'one'),
      { reply: () => '', journal },
    );
    const { events, final } = await execute(
      workflow(() => 'two'),
      { reply: () => '', journal },
    );
    expect(events.map(({ type }) => type)).toEqual(['text.delta', 'text.reset', 'text.delta']);
    expect(final?.response).toBe('two');
  });
});

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
    expect(Math.abs(at - Date.now())).toBeLessThan(600_000);
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

describe('a workflow that ends early', () => {
  test('by its own error stops what it has left in progress', async () => {
    const asked = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const reply = async ({ systemInstructions, signal }: ModelRequest) => {
      if (systemInstructions !== 'slow') return 'ok';
      asked.resolve();
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      return 'never';
    };
    const failing = workflow(async (ctx) => {
      run(new Agent({ name: 'Slow', instructions: 'slow' }), 'x').catch(() => stopped.resolve());
      await asked.promise;
      await step(ctx, 'fails', () => {
        throw new RangeError();
      });
    });
    const { final, memory } = await execute(failing, { reply });
    await stopped.promise;
    expect(final?.error?.detail).toBe('Agent error: RangeError');
    expect(memory.steps().map(({ status }) => status)).toEqual(['failed']);
  });

  test('by a cancel aborts its signal and its agents, and begins nothing more', async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    let begun = 0;
    const reply = async ({ signal }: ModelRequest) => {
      asked.resolve();
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      return 'never';
    };
    const signals: boolean[] = [];
    const cancelled = workflow(async (ctx) => {
      ctx.signal.addEventListener('abort', () => signals.push(true));
      await run(new Agent({ name: 'Slow' }), 'x').catch(() => {});
      await step(ctx, 'after', () => ++begun);
    });
    const executing = execute(cancelled, { reply, signal: controller.signal });
    await asked.promise;
    controller.abort(new RunStopped('cancelled'));
    const { final } = await executing;
    expect(final).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect([signals, begun]).toEqual([[true], 0]);
  });

  test('because each of its runs has a limit of turns', async () => {
    const look = tool({ name: 'look', description: 'x', parameters: z.object({}), execute: () => 'x' });
    let calls = 0;
    const endless = () => [{ call: 'look', id: `c${++calls}` }];
    const agent = new Agent({ name: 'Endless', tools: [look] });
    const { final, stub } = await execute(
      workflow(async () => (await run(agent, 'x')).finalOutput),
      { reply: endless },
    );
    expect(final?.error).toMatchObject({ code: 'max_turns_exceeded' });
    expect(stub.calls()).toBe(5);
  });
});

test('a run that fails while the whole run is to wait for a provider is no result: it is asked again later', async () => {
  const journal = createMemoryJournal();
  const controller = new AbortController();
  const isAsked = Promise.withResolvers<void>();
  const mayAnswer = Promise.withResolvers<void>();
  const [one, other] = ['one', 'other'].map((name) => new Agent({ name, instructions: name }));
  const outage = async ({ systemInstructions }: ModelRequest) => {
    if (systemInstructions === 'one') {
      await isAsked.promise;
      journal.handBack = controller; // as after an outage of all providers
      throw new Error('no provider');
    }
    isAsked.resolve();
    await mayAnswer.promise;
    return 'answered';
  };
  const make = () =>
    workflow(async () => {
      const answers = [one, other].map((agent) => run(agent as Agent, 'Hi').then((result) => result.finalOutput));
      return Promise.all(answers.map((answer) => answer.catch(() => 'gave up')));
    });
  const executing = execute(make(), { reply: outage, journal, signal: controller.signal });
  await isAsked.promise;
  await ticks(20);
  mayAnswer.resolve();
  await executing;
  expect(controller.signal.aborted).toBe(true);
  journal.handBack = null;
  const { final, stub } = await execute(make(), { reply: () => 'later', journal });
  expect(final).toMatchObject({ output: ['later', 'answered'], drift: false });
  expect(stub.calls()).toBe(1);
});

test('a workflow is handed back once its parallel runs are between two steps, and loses nothing', async () => {
  const journal = createMemoryJournal();
  const controller = new AbortController();
  const isAsked = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const mayAnswer = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const looks: string[] = [];
  const held = async (request: ModelRequest): Promise<StubReply> => {
    const query = firstTextOf(request) as 'a' | 'b';
    if (request.systemInstructions === 'search' && query !== ('c' as string) && !hasToolResult(request)) {
      isAsked[query].resolve();
      await mayAnswer[query].promise;
    }
    return researchReply(request);
  };
  const make = () => researchWorkflow((query) => looks.push(query));
  const executing = execute(make(), { reply: held, journal, signal: controller.signal });
  await Promise.all([isAsked.a.promise, isAsked.b.promise]);
  await ticks(20); // c has failed
  journal.handBack = controller;
  mayAnswer.a.resolve();
  await ticks(20);
  expect([controller.signal.aborted, looks]).toEqual([false, []]); // b is in progress, and a begins nothing
  mayAnswer.b.resolve();
  await executing;
  expect(controller.signal.reason).toMatchObject({ reason: 'shutting_down' });
  expect(looks).toEqual([]);
  journal.handBack = null;
  const { final, stub } = await execute(make(), { reply: researchReply, journal });
  expect(final).toMatchObject({ status: 'completed', response: report, drift: false });
  expect(stub.calls()).toBe(3); // the second answers of a and b, and the report
  expect(looks.sort()).toEqual(['a', 'b']);
});
