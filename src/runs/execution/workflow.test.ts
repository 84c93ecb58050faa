/**
 * Workflows: code between runs, compared with the same code over the SDK's own runner, and in runs whose process dies at
 * each journal write.
 */
import { Agent, type ModelRequest, Runner, run, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { crashedAtEachWrite } from '../../../tests/support/run-over-crashes.ts';
import { createStubModel, hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import {
  firstTextOf,
  joined,
  report,
  research,
  researchReply,
  researchWorkflow,
  slowly,
  step,
  ticks,
} from '../../../tests/support/workflows.ts';
import { workflow } from '../../agents/index.ts';
import { RunStopped } from '../run-failure.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const modes = ['blocking', 'stream'] as const;

/** What of a request reaches a provider, in an order that does not depend on which of several came first. */
const sent = (requests: readonly ModelRequest[]) =>
  requests
    .map(({ systemInstructions, input, tools, outputType }) => ({ systemInstructions, input, tools, outputType }))
    .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
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
