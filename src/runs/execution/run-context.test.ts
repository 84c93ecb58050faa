/**
 * What the application writes to its run context: over approvals as with the SDK's own `run()`, and over the death of its
 * process at each journal write.
 */
import {
  Agent,
  handoff,
  type ModelRequest,
  run as nestedRun,
  type RunContext,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { crashedAtEachWrite, executeApproved } from '../../../tests/support/run-over-crashes.ts';
import { createStubModel, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { type AnyAgent, effect } from '../../agents/index.ts';
import { contextOf } from '../conversation/recorded-context.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const none = z.object({});
type Facts = Record<string, unknown>;
const factsOf = (runContext: RunContext<unknown> | undefined) => (runContext as RunContext<Facts>).context;

/** A tool that works on the run context. */
const working = (name: string, work: (facts: Facts) => unknown) =>
  effect(
    tool({
      name,
      description: name,
      parameters: none,
      execute: async (_input, runContext) => String(work(factsOf(runContext)) ?? 'done'),
    }),
    'idempotent',
  );
const show = () => working('show', (facts) => JSON.stringify(facts));
const pay = () =>
  tool({ name: 'pay', description: 'Pays.', parameters: none, needsApproval: true, execute: () => 'paid' });
const call = (...names: string[]): StubReply => names.map((name) => ({ call: name, id: `${name}_1` }));

const inTurn =
  (...replies: StubReply[]) =>
  (request: ModelRequest): StubReply => {
    const calls = itemsOf(request).filter(({ type }) => type === 'function_call').length;
    let before = 0;
    for (const reply of replies) {
      if (before === calls) return reply;
      before += typeof reply === 'string' ? 0 : reply.length;
    }
    return 'done';
  };

type App = { name: string; make: () => AnyAgent; reply: (request: ModelRequest) => StubReply };

const push = (facts: Facts, entry: string) => {
  facts.log = [...((facts.log as string[] | undefined) ?? []), entry];
};

const apps: App[] = [
  {
    name: 'a tool',
    make: () => {
      const book = working('book', (facts) => {
        facts.confirmation = 'ABC123';
      });
      return new Agent({ name: 'main', tools: [book, pay(), show()] });
    },
    reply: inTurn(call('book'), call('pay'), call('show')),
  },
  {
    name: 'tools in parallel, in one list',
    make: () => {
      const note = (name: string) =>
        working(name, (facts) => {
          facts.list ??= [];
          (facts.list as string[]).push(name);
        });
      return new Agent({ name: 'main', tools: [note('one'), note('two'), note('three'), pay(), show()] });
    },
    reply: inTurn(call('one', 'two', 'three'), call('pay'), call('show')),
  },
  {
    name: 'what is removed and replaced',
    make: () => {
      const set = working('set', (facts) => Object.assign(facts, { draft: { lines: [1, 2, 3] }, old: true }));
      const cut = working('cut', (facts) => {
        (facts.draft as { lines: number[] }).lines.shift();
        delete facts.old;
      });
      return new Agent({ name: 'main', tools: [set, cut, pay(), show()] });
    },
    reply: inTurn(call('set'), call('cut'), call('pay'), call('show')),
  },
  {
    name: 'onHandoff, hooks and guardrails',
    make: () => {
      const desk = new Agent({ name: 'desk', tools: [pay(), show()] });
      desk.on('agent_start', (runContext) => push(factsOf(runContext), 'start'));
      const onHandoff = (runContext: RunContext<unknown>) => push(factsOf(runContext), 'handoff');
      return new Agent({
        name: 'main',
        handoffs: [handoff(desk, { onHandoff })],
        inputGuardrails: [
          {
            name: 'note',
            runInParallel: false,
            execute: async ({ context }) => {
              push(factsOf(context), 'guardrail');
              return { tripwireTriggered: false, outputInfo: null };
            },
          },
        ],
      });
    },
    reply: inTurn(call('transfer_to_desk'), call('pay'), call('show')),
  },
  {
    name: 'a hook that replaces it',
    make: () => {
      const book = working('book', (facts) => push(facts, 'booked'));
      const main = new Agent({ name: 'main', tools: [pay(), book, show()] });
      main.on('agent_start', (runContext) => {
        (runContext as RunContext<unknown>).context = { begun: true };
      });
      return main;
    },
    reply: inTurn(call('pay'), call('book'), call('show')),
  },
  {
    name: 'a guardrail that replaces it',
    make: () => {
      const book = working('book', (facts) => push(facts, 'booked'));
      const replace = async ({ context }: { context: RunContext<unknown> }) => {
        context.context = { begun: true };
        return { tripwireTriggered: false, outputInfo: null };
      };
      const inputGuardrails = [{ name: 'replace', runInParallel: false, execute: replace }];
      return new Agent({ name: 'main', tools: [pay(), book, show()], inputGuardrails });
    },
    reply: inTurn(call('pay'), call('book'), call('show')),
  },
  {
    name: 'an agent used as a tool, with the context of its caller',
    make: () => {
      const note = working('note', (facts) => push(facts, 'inner'));
      const inner = new Agent({ name: 'inner', instructions: 'inner', tools: [note] });
      const ask = inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' });
      return new Agent({ name: 'main', tools: [ask, pay(), show()] });
    },
    reply: (request) =>
      request.systemInstructions === 'inner'
        ? inTurn(call('note'))(request)
        : inTurn([{ call: 'ask', args: { input: 'x' }, id: 'a1' }], call('pay'), call('show'))(request),
  },
  {
    name: 'a run in a tool, with a context of its own',
    make: () => {
      const note = working('note', (facts) => push(facts, 'found'));
      const inner = new Agent({ name: 'inner', instructions: 'inner', tools: [note] });
      const research = tool({
        name: 'research',
        description: 'Researches.',
        parameters: none,
        execute: async () => {
          const facts: Facts = {};
          await nestedRun(inner, 'look', { context: facts });
          return JSON.stringify(facts);
        },
      });
      return new Agent({ name: 'main', tools: [effect(research, 'idempotent'), pay()] });
    },
    reply: (request) =>
      request.systemInstructions === 'inner'
        ? inTurn(call('note'))(request)
        : inTurn(call('research'), call('pay'))(request),
  },
];

const toolOutputs = (requests: readonly ModelRequest[]) =>
  itemsOf(requests.at(-1) as ModelRequest).flatMap((item) =>
    item.type === 'function_call_result' ? [item.output] : [],
  );

/** The SDK alone, within a model that knows no journal; its runner is given to runs in tools by the stub of the model. */
async function runBySdk({ make, reply }: App) {
  const stub = createStubModel(reply);
  const runner = new Runner({ modelProvider: stub.provider, model: 'stub-1' });
  const agent = make();
  let result = await runner.run(agent, 'hello', { context: {} });
  while (result.interruptions.length > 0) {
    for (const item of result.interruptions) result.state.approve(item);
    result = await runner.run(agent, result.state);
  }
  return toolOutputs(stub.requests);
}

const expected = async (app: App) => {
  if (!app.name.startsWith('a run in a tool')) return runBySdk(app);
  return [
    { type: 'text', text: '{"log":["found"]}' }, // its runner is the SDK's default one, whose models are no stubs
    { type: 'text', text: 'paid' },
  ];
};

describe.each(apps)('what $name writes to the context', (app) => {
  test.each(['blocking', 'stream'] as const)('is there after an approval, as with the SDK alone (%s)', async (mode) => {
    const { final, stub } = await executeApproved(app.make(), { reply: app.reply, mode });
    expect(final).toMatchObject({ status: 'completed', drift: false });
    expect(toolOutputs(stub.requests)).toEqual(await expected(app));
  });

  test('is there after a crash, wherever the process dies', async () => {
    const outputs = await expected(app);
    for await (const journal of crashedAtEachWrite(app.make, { reply: app.reply })) {
      const { final, stub, memory } = await executeApproved(app.make(), { reply: app.reply, journal });
      expect(final).toMatchObject({ status: 'completed', drift: false });
      if (stub.requests.length > 0) expect(toolOutputs(stub.requests)).toEqual(outputs);
      const shown = outputs.flatMap((output) =>
        typeof output === 'object' && 'text' in output && output.text.startsWith('{') ? [output.text] : [],
      );
      const context = contextOf(memory.steps().flatMap(({ changes }) => changes ?? []));
      if (!app.name.startsWith('a run in a tool')) expect(context).toEqual(JSON.parse(shown.at(-1) as string));
    }
  });
});

describe('a change of the context that is no plain JSON', () => {
  test.each([
    { what: 'a Map', value: new Map(), path: 'context.found.cache is an instance of Map' },
    { what: 'a date', value: new Date(0), path: 'context.found.cache is an instance of Date' },
    { what: 'a function', value: () => {}, path: 'context.found.cache is a function' },
    { what: 'a big number', value: 1n, path: 'context.found.cache is a bigint' },
  ])('ends the run with its path: $what', async ({ value, path }) => {
    const spoil = working('spoil', (facts) => {
      facts.found = { cache: value };
    });
    const main = new Agent({ name: 'main', tools: [spoil] });
    const { final, stub } = await execute(main, { reply: inTurn(call('spoil')) });
    expect(final).toMatchObject({ status: 'failed', error: { code: 'context_not_plain', retryable: false } });
    expect(final?.error?.detail).toContain(path);
    expect(stub.calls()).toBe(1);
  });

  test('ends the run also in an agent used as a tool, and at the end of the run', async () => {
    const spoil = working('spoil', (facts) => {
      facts.at = new Date(0);
    });
    const inner = new Agent({ name: 'inner', instructions: 'inner', tools: [spoil] });
    const main = new Agent({ name: 'main', tools: [inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' })] });
    const reply = (request: ModelRequest) =>
      request.systemInstructions === 'inner'
        ? inTurn(call('spoil'))(request)
        : inTurn([{ call: 'ask', args: { input: 'x' }, id: 'a1' }])(request);
    expect((await execute(main, { reply })).final?.error).toMatchObject({ code: 'context_not_plain' });
    const late = new Agent({ name: 'main' });
    late.on('agent_end', (runContext) => {
      factsOf(runContext).at = new Date(0);
    });
    expect((await execute(late, { reply: () => 'done' })).final?.error).toMatchObject({ code: 'context_not_plain' });
  });
});

test('the context is built once for a run, and recorded with its first step', async () => {
  let built = 0;
  const context = () => {
    built += 1;
    return { customer: { tier: 'gold', visits: built } };
  };
  const main = new Agent({ name: 'main', tools: [pay(), show()] });
  const { memory, stub } = await executeApproved(main, { reply: inTurn(call('pay'), call('show')), context });
  expect(built).toBe(1);
  expect(toolOutputs(stub.requests).at(-1)).toEqual({ type: 'text', text: '{"customer":{"tier":"gold","visits":1}}' });
  expect(memory.steps()[0]?.changes?.context).toEqual([{ path: [], value: { customer: { tier: 'gold', visits: 1 } } }]);
});

test('the record of a context grows with what is changed, not with what is there', async () => {
  const bytesAfter = async (turns: number) => {
    const add = working('add', (facts) => {
      facts.list ??= [];
      (facts.list as string[]).push('x'.repeat(100));
    });
    const main = new Agent({ name: 'main', tools: [add] });
    const reply = (request: ModelRequest): StubReply => {
      const done = itemsOf(request).filter(({ type }) => type === 'function_call').length;
      return done === turns ? 'done' : [{ call: 'add', id: `add_${done}` }];
    };
    const { memory } = await execute(main, { reply, turnsMax: turns + 1 });
    return memory.steps().reduce((sum, { changes }) => sum + JSON.stringify(changes).length, 0);
  };
  const [few, many] = [await bytesAfter(10), await bytesAfter(40)];
  expect(many).toBeLessThan(5 * few);
});

test('what a tool call that did not end has written is not there when the call is executed again', async () => {
  const started = Promise.withResolvers<void>();
  let isFirst = true;
  const slow = tool({
    name: 'slow',
    description: 'Slow.',
    parameters: none,
    execute: async (_input, runContext) => {
      factsOf(runContext).calls = ((factsOf(runContext).calls as number | undefined) ?? 0) + 1;
      if (!isFirst) return 'done';
      isFirst = false;
      started.resolve();
      return new Promise<string>(() => {}); // until its process dies
    },
  });
  const main = new Agent({ name: 'main', tools: [effect(slow, 'idempotent'), show()] });
  const setup = { reply: inTurn(call('slow'), call('show')) };
  const journal = createMemoryJournal();
  void execute(main, { ...setup, journal });
  await started.promise;
  const { stub } = await execute(main, { ...setup, journal });
  expect(toolOutputs(stub.requests).at(-1)).toEqual({ type: 'text', text: '{"calls":1}' });
});
