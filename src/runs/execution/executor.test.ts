import {
  Agent,
  handoff,
  type InputGuardrail,
  type Model,
  type ModelRequest,
  Runner,
  run as sdkRun,
  setTraceProcessors,
  setTracingDisabled,
  type TracingProcessor,
  tool,
} from '@openai/agents';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { createStubModel, hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import { ServiceError } from '../../platform/errors.ts';
import { RunStopped } from '../run-failure.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const lookup = (execute: () => unknown = () => 'found') =>
  tool({ name: 'lookup', description: 'looks up', parameters: z.object({}), execute: async () => execute() });

const callLookup = [{ call: 'lookup', id: 'call_1' }];
const oneTool = (request: ModelRequest): StubReply => (hasToolResult(request) ? 'done' : callLookup);

const inner = () => new Agent({ name: 'inner', instructions: 'You are the inner agent.' });
const isInner = (request: ModelRequest) => request.systemInstructions?.includes('inner') ?? false;

test.each(['blocking', 'stream'] as const)('a plain %s run answers and counts its tokens', async (mode) => {
  const { final, events } = await execute(new Agent({ name: 'main' }), { reply: () => 'It left today.', mode });
  expect(final).toMatchObject({ status: 'completed', response: 'It left today.', output: null, model: 'stub-1' });
  expect(final?.usage).toMatchObject({ requests: 1, inputTokens: 10, outputTokens: 5, totalTokens: 15 });
  expect(final?.newItems).toHaveLength(2);
  expect(events.flatMap((event) => (event.type === 'text.delta' ? event.delta : [])).join('')).toBe('It left today.');
});

test.each(['blocking', 'stream'] as const)(
  'a model is asked while the %s run is being stored, and nothing of its answer is used before it is',
  async (mode) => {
    const storing = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const journal = createMemoryJournal();
    journal.stored = storing.promise;
    const order: string[] = [];
    journal.beforeWrite = async () => void order.push('recorded');
    const reply = (request: ModelRequest): StubReply => {
      order.push('asked');
      asked.resolve();
      return oneTool(request);
    };
    const tools = [lookup(() => order.push('called'))];
    const executed = execute(new Agent({ name: 'main', tools }), { reply, mode, journal });
    await asked.promise;
    for (let tick = 0; tick < 10; tick += 1) await new Promise((resolve) => setImmediate(resolve));
    order.push('stored');
    storing.resolve();
    expect((await executed).final).toMatchObject({ status: 'completed' });
    expect(order.slice(0, 2)).toEqual(['asked', 'stored']);
    expect(order).toContain('called');
  },
);

test('a run that could not be stored records nothing, whatever its model answers', async () => {
  const journal = createMemoryJournal();
  journal.stored = Promise.reject(new ServiceError('store_unavailable', {}));
  const tools = [lookup(() => expect.unreachable())];
  const { final } = await execute(new Agent({ name: 'main', tools }), { reply: oneTool, journal });
  expect(final).toMatchObject({ status: 'failed', error: { code: 'store_unavailable' } });
  expect([journal.steps(), journal.events]).toEqual([[], []]);
});

test('a tool call emits an event when it starts and when it ends, with its arguments and its result', async () => {
  const { events } = await execute(new Agent({ name: 'main', tools: [lookup()] }), { reply: oneTool });
  const toolEvents = events.filter((event) => event.type.startsWith('tool.'));
  expect(toolEvents).toMatchObject([
    { type: 'tool.started', call_id: 'call_1', tool: 'lookup', arguments: {} },
    { type: 'tool.completed', call_id: 'call_1', tool: 'lookup', output: 'found', is_error: false },
  ]);
});

test('tokens are summed over handoffs', async () => {
  const target = inner();
  const agent = new Agent({ name: 'main', handoffs: [target] });
  const reply = (request: ModelRequest): StubReply =>
    isInner(request) ? 'from inner' : [{ call: 'transfer_to_inner', id: 'call_1' }];
  const { final, events } = await execute(agent, { reply });
  expect(final).toMatchObject({ response: 'from inner', lastAgent: 'inner', usage: { requests: 2, totalTokens: 30 } });
  expect(events).toContainEqual(expect.objectContaining({ type: 'handoff', from: 'main', to: 'inner' }));
});

test.each(['blocking', 'stream'] as const)(
  'tokens of an agent used as a tool count, its text is not shown (%s)',
  async (mode) => {
    const asTool = inner().asTool({ toolName: 'lookup', toolDescription: 'asks inner' });
    const agent = new Agent({ name: 'main', tools: [asTool] });
    const reply = (request: ModelRequest): StubReply => {
      if (isInner(request)) return 'secret thought';
      return hasToolResult(request) ? 'done' : [{ call: 'lookup', args: { input: 'x' }, id: 'call_1' }];
    };
    const { final, events } = await execute(agent, { reply, mode });
    expect(final?.usage).toMatchObject({ requests: 3, totalTokens: 45 });
    expect(events.flatMap((event) => (event.type === 'text.delta' ? event.delta : [])).join('')).toBe('done');
  },
);

test('a listener of an agent used as a tool receives all that its model streams', async () => {
  let seen = '';
  const asTool = inner().asTool({
    toolName: 'lookup',
    toolDescription: 'asks inner',
    onStream: ({ event }) => {
      if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') seen += event.data.delta;
    },
  });
  const reply = (request: ModelRequest): StubReply => {
    if (isInner(request)) return 'one by one, word by word';
    return hasToolResult(request) ? 'done' : [{ call: 'lookup', args: { input: 'x' }, id: 'call_1' }];
  };
  await execute(new Agent({ name: 'main', tools: [asTool] }), { reply, mode: 'stream' });
  expect(seen).toBe('one by one, word by word');
});

test.each([
  ['the default runner', () => sdkRun(inner(), 'x')],
  ['a runner of the author’s own', () => new Runner({ tracingDisabled: true }).run(inner(), 'x')],
])('a run inside a tool, by %s, uses the service’s provider and counts', async (_, nested) => {
  const agent = new Agent({ name: 'main', tools: [lookup(async () => (await nested()).finalOutput)] });
  const reply = (request: ModelRequest): StubReply => (isInner(request) ? 'from inner' : oneTool(request));
  const { final, events } = await execute(agent, { reply });
  expect(final).toMatchObject({ response: 'done', usage: { requests: 3, totalTokens: 45 } });
  expect(events).toContainEqual(expect.objectContaining({ type: 'tool.completed', output: 'from inner' }));
});

test('a run inside a guardrail counts', async () => {
  const guardrail: InputGuardrail = {
    name: 'check',
    execute: async () => {
      await sdkRun(inner(), 'is this fine?');
      return { tripwireTriggered: false, outputInfo: {} };
    },
  };
  const agent = new Agent({ name: 'main', inputGuardrails: [guardrail] });
  const { final } = await execute(agent, { reply: () => 'fine' });
  expect(final?.usage.requests).toBe(2);
});

test('a guardrail that trips while the model speaks stops it', async () => {
  const speaking = Promise.withResolvers<void>();
  const nextTick = () => new Promise((resolve) => setImmediate(resolve));
  let sent = 0;
  const model: Model = {
    getResponse: () => expect.fail('it is streamed'),
    async *getStreamedResponse() {
      for (; sent < 100_000; sent += 1) {
        yield { type: 'output_text_delta', delta: 'on and ' };
        speaking.resolve();
        await nextTick();
      }
    },
  };
  const guardrail: InputGuardrail = {
    name: 'check',
    execute: async () => {
      await speaking.promise;
      return { tripwireTriggered: true, outputInfo: {} };
    },
  };
  const agent = new Agent({ name: 'main', model, inputGuardrails: [guardrail] });
  const { final } = await execute(agent, { reply: () => 'not asked', mode: 'stream' });
  expect(final?.error).toMatchObject({ code: 'guardrail_tripped' });
  expect(sent).toBeLessThan(100_000);
});

test('a run is traced if the application has turned traces on', async () => {
  const names: string[] = [];
  const processor: TracingProcessor = {
    onTraceStart: async () => {},
    onTraceEnd: async () => {},
    onSpanStart: async () => {},
    onSpanEnd: async ({ spanData }) => void names.push(spanData.type),
    shutdown: async () => {},
    forceFlush: async () => {},
  };
  setTraceProcessors([processor]);
  try {
    await execute(new Agent({ name: 'main' }), { reply: () => 'hello' });
    expect(names).toEqual([]);
    setTracingDisabled(false);
    await execute(new Agent({ name: 'main' }), { reply: () => 'hello' });
    expect(names).toContain('agent');
  } finally {
    setTracingDisabled(true);
    setTraceProcessors([]);
  }
});

test('a model of the agent’s own is counted, and stays usable outside of runs', async () => {
  const own = createStubModel(() => 'own words');
  const agent = new Agent({ name: 'main', model: own.model });
  const { final, stub } = await execute(agent, { reply: () => 'not asked' });
  expect(final).toMatchObject({ response: 'own words', usage: { requests: 1 } });
  expect([own.calls(), stub.calls()]).toEqual([1, 0]);
  expect((await sdkRun(agent, 'outside')).finalOutput).toBe('own words');
});

test('hooks on a runner inside a tool still fire', async () => {
  const seen: string[] = [];
  const nested = new Runner({ tracingDisabled: true });
  nested.on('agent_start', (_context, agent) => seen.push(agent.name));
  const agent = new Agent({ name: 'main', tools: [lookup(async () => (await nested.run(inner(), 'x')).finalOutput)] });
  await execute(agent, { reply: (request) => (isInner(request) ? 'i' : oneTool(request)) });
  expect(seen).toEqual(['inner']);
});

test('structured output is returned as a value and as JSON text', async () => {
  const agent = new Agent({ name: 'main', outputType: z.object({ city: z.string() }) });
  const { final } = await execute(agent, { reply: () => '{"city":"Oslo"}' });
  expect(final).toMatchObject({ response: '{"city":"Oslo"}', output: { city: 'Oslo' } });
});

test('a run whose tool needs approval pauses and lists the calls to approve', async () => {
  const refund = tool({
    name: 'refund',
    description: 'pays back',
    parameters: z.object({ order: z.string() }),
    needsApproval: true,
    execute: async () => 'paid',
  });
  const agent = new Agent({ name: 'main', tools: [refund] });
  const reply = (): StubReply => [{ call: 'refund', args: { order: '1001' }, id: 'call_7' }];
  const { execution } = await execute(agent, { reply });
  expect(execution).toMatchObject({
    type: 'paused',
    paused: {
      usage: { requests: 1 },
      requiredAction: {
        type: 'approval',
        items: [{ call_id: 'call_7', tool: 'refund', arguments: { order: '1001' }, agent: 'main' }],
      },
    },
  });
});

test('a failed run leaves nothing in its session if no tool completed', async () => {
  const { final } = await execute(new Agent({ name: 'main' }), {
    reply: () => {
      throw new Error('provider broke');
    },
  });
  expect(final).toMatchObject({ status: 'failed', error: { code: 'provider_error' }, newItems: [] });
});

test('a failed run leaves the calls that completed, with their results and a note', async () => {
  const reply = (request: ModelRequest): StubReply => {
    if (hasToolResult(request)) throw new Error('provider broke');
    return callLookup;
  };
  const { final } = await execute(new Agent({ name: 'main', tools: [lookup()] }), { reply });
  expect(final?.newItems).toMatchObject([
    { role: 'user', content: 'hello' },
    { type: 'function_call', callId: 'call_1', name: 'lookup' },
    { type: 'function_call_result', callId: 'call_1', output: { text: 'found' } },
    { role: 'assistant' },
  ]);
  expect(final?.usage.requests).toBe(1);
});

test('text that an output guardrail rejected is withdrawn', async () => {
  const guardrail = { name: 'polite', execute: async () => ({ tripwireTriggered: true, outputInfo: {} }) };
  const agent = new Agent({ name: 'main', outputGuardrails: [guardrail] });
  const { final, events } = await execute(agent, { reply: () => 'rude words', mode: 'stream' });
  expect(final?.error).toMatchObject({ code: 'guardrail_tripped', detail: 'The guardrail "polite" stopped the run.' });
  expect(events.at(-1)).toMatchObject({ type: 'text.reset', reason: 'guardrail' });
});

test.each(['blocking', 'stream'] as const)(
  'a %s run that is stopped is recorded with the reason of its stop',
  async (mode) => {
    const controller = new AbortController();
    const reply = (request: ModelRequest) =>
      new Promise<StubReply>((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        controller.abort(new RunStopped('timed_out'));
      });
    const { final } = await execute(new Agent({ name: 'main' }), { reply, mode, signal: controller.signal });
    expect(final).toMatchObject({
      status: 'timed_out',
      error: { code: 'run_timed_out', detail: 'Agent run timed out.' },
    });
  },
);

test('a run is recorded as stopped even if its tool ignores the signal, and the late result of the tool is dropped', async () => {
  const controller = new AbortController();
  let finishTool = () => {};
  const stuck = lookup(() => {
    controller.abort(new RunStopped('cancelled'));
    return new Promise((resolve) => {
      finishTool = () => resolve('late');
    });
  });
  const { final, events } = await execute(new Agent({ name: 'main', tools: [stuck] }), {
    reply: oneTool,
    signal: controller.signal,
  });
  finishTool();
  expect(final?.status).toBe('cancelled');
  expect(events.filter((event) => event.type === 'tool.completed')).toEqual([]);
});

test('more turns than allowed end the run', async () => {
  const reply = (request: ModelRequest): StubReply => [{ call: 'lookup', id: `call_${request.input.length}` }];
  const { final } = await execute(new Agent({ name: 'main', tools: [lookup()] }), { reply });
  expect(final?.error).toMatchObject({ code: 'max_turns_exceeded', detail: 'The run did not finish within 5 turns.' });
});

test('tools receive the context that was built from the run’s fields', async () => {
  let seen: unknown;
  const lookupTool = tool({
    name: 'lookup',
    description: 'x',
    parameters: z.object({}),
    execute: async (_input, context) => {
      seen = context?.context;
      return 'ok';
    },
  });
  const agent = new Agent({ name: 'main', tools: [lookupTool] });
  await execute(agent, { reply: oneTool, context: ({ runId }) => ({ runId, plan: 'gold' }) });
  expect(seen).toEqual({ runId: 'run_1', plan: 'gold' });
});

test('a handoff made with options counts like a plain one', async () => {
  const agent = new Agent({ name: 'main', handoffs: [handoff(inner(), { toolNameOverride: 'go_inner' })] });
  const reply = (request: ModelRequest): StubReply => (isInner(request) ? 'ok' : [{ call: 'go_inner', id: 'c' }]);
  const { final } = await execute(agent, { reply });
  expect(final).toMatchObject({ response: 'ok', usage: { requests: 2 } });
});
