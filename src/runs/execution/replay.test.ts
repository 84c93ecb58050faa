import {
  Agent,
  type InputGuardrail,
  type ModelRequest,
  run as nestedRun,
  retryPolicies,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { calling, callsOf, counting } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { createMemoryMcpServer } from '../../../tests/support/memory-mcp-server.ts';
import { createStubModel, hasToolResult, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { type AnyAgent, createAgentRegistry } from '../../agents/index.ts';
import { currentCall } from './run-scope.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const inner = new Agent({ name: 'inner', instructions: 'You are the inner agent.' });
const isInner = (request: ModelRequest) => request.systemInstructions?.includes('inner') ?? false;
const nextTick = () => new Promise((resolve) => setImmediate(resolve));
/** Yields to other work, a few times or not at all. */
const yieldAtRandom = async () => {
  for (let ticks = Math.floor(Math.random() * 8); ticks > 0; ticks -= 1) await nextTick();
};

type Case = {
  name: string;
  make: () => { agent: AnyAgent; effects: () => number; reply: (r: ModelRequest) => StubReply };
};

const cases: Case[] = [
  {
    name: 'a plain answer',
    make: () => ({ agent: new Agent({ name: 'main' }), effects: () => 0, reply: () => 'hello' }),
  },
  {
    name: 'two tools in parallel',
    make: () => {
      const [one, two] = [counting('one'), counting('two')];
      const agent = new Agent({ name: 'main', tools: [one.tool, two.tool] });
      return { agent, effects: () => one.calls.length + two.calls.length, reply: calling('one', 'two') };
    },
  },
  {
    name: 'a tool that returns a picture',
    make: () => {
      const one = counting('one', () => ({ type: 'image', image: { data: new Uint8Array(9_000), mediaType: 'a/b' } }));
      const agent = new Agent({ name: 'main', tools: [one.tool] });
      return { agent, effects: () => one.calls.length, reply: calling('one') };
    },
  },
  {
    name: 'a handoff to an agent with a tool',
    make: () => {
      const one = counting('one');
      const target = new Agent({ name: 'target', instructions: 'You are the target.', tools: [one.tool] });
      const agent = new Agent({ name: 'main', handoffs: [target] });
      const reply = (request: ModelRequest): StubReply => {
        if (!request.systemInstructions?.includes('target')) return [{ call: 'transfer_to_target', id: 'h' }];
        return itemsOf(request).some((item) => item.type === 'function_call_result' && item.callId === 'c1')
          ? 'done'
          : [{ call: 'one', id: 'c1' }];
      };
      return { agent, effects: () => one.calls.length, reply };
    },
  },
  {
    name: 'an agent used as a tool, with a tool of its own',
    make: () => {
      const one = counting('one');
      const helper = new Agent({ name: 'inner', instructions: 'You are the inner agent.', tools: [one.tool] });
      const agent = new Agent({ name: 'main', tools: [helper.asTool({ toolName: 'ask', toolDescription: 'asks' })] });
      const reply = (request: ModelRequest): StubReply => {
        if (hasToolResult(request)) return isInner(request) ? 'inner done' : 'done';
        return isInner(request) ? callsOf('one') : [{ call: 'ask', args: { input: 'x' }, id: 'a1' }];
      };
      return { agent, effects: () => one.calls.length, reply };
    },
  },
  {
    name: 'a run inside a tool',
    make: () => {
      const one = counting('one', async () => (await nestedRun(inner, 'think')).finalOutput);
      const reply = (request: ModelRequest) => (isInner(request) ? 'thought' : calling('one')(request));
      return { agent: new Agent({ name: 'main', tools: [one.tool] }), effects: () => one.calls.length, reply };
    },
  },
  {
    name: 'a run inside a guardrail',
    make: () => {
      const guardrail: InputGuardrail = {
        name: 'check',
        execute: async () => {
          await nestedRun(inner, 'is this fine?');
          return { tripwireTriggered: false, outputInfo: {} };
        },
      };
      return {
        agent: new Agent({ name: 'main', inputGuardrails: [guardrail] }),
        effects: () => 0,
        reply: () => 'fine',
      };
    },
  },
  {
    name: 'a tool of an MCP server',
    make: () => {
      const server = createMemoryMcpServer('ask_stock');
      const agent = new Agent({ name: 'main', mcpServers: [server] });
      return { agent, effects: () => server.calls.length, reply: calling('ask_stock') };
    },
  },
  {
    name: 'a model of the agent’s own',
    make: () => {
      const own = createStubModel(() => 'own words');
      return { agent: new Agent({ name: 'main', model: own.model }), effects: own.calls, reply: () => 'not asked' };
    },
  },
];

describe.each(['blocking', 'stream'] as const)('a %s run that is executed again', (mode) => {
  test.each(cases)('calls no model and repeats no effect: $name', async ({ make }) => {
    const { agent, effects, reply } = make();
    const first = await execute(agent, { reply, mode });
    expect(first.final?.status).toBe('completed');
    const before = effects();
    const second = await execute(agent, { reply, mode, journal: first.memory });
    expect(second.stub.calls()).toBe(0);
    expect(effects()).toBe(before);
    expect(second.final).toEqual({ ...first.final, firstTokenMs: second.final?.firstTokenMs });
    expect(second.events).toEqual(first.events);
    expect(
      second.memory
        .steps()
        .filter(({ scope }) => scope === '')
        .every(({ replayed }) => replayed === 1),
    ).toBe(true);
  });

  test.each(cases)('after a crash at any write goes on from there: $name', async ({ make }) => {
    for (let writesLeft = 0; ; writesLeft += 1) {
      const { agent, effects, reply } = make();
      const journal = createMemoryJournal();
      const controller = new AbortController();
      let left = writesLeft;
      journal.beforeWrite = async () => {
        if (left > 0) {
          left -= 1;
          return;
        }
        controller.abort(new Error('crashed'));
        await new Promise(() => {}); // a crashed process writes nothing more
      };
      const write = journal.write;
      let crashed = false;
      controller.signal.addEventListener('abort', () => {
        crashed = true;
      });
      journal.write = (entries) => {
        if (!crashed) write(entries);
      };
      const attempt = execute(agent, { reply, mode, journal, signal: controller.signal });
      await Promise.race([attempt, new Promise((resolve) => controller.signal.addEventListener('abort', resolve))]);
      if (!crashed) return;

      const recorded = journal.steps();
      const models = recorded.filter(({ kind, status }) => kind === 'model_call' && status === 'completed').length;
      const whole = make();
      const total = (await execute(whole.agent, { reply: whole.reply, mode })).stub.calls();
      journal.beforeWrite = async () => {};
      const before = effects();
      const survivor = await execute(agent, { reply, mode, journal });
      expect(survivor.final).toMatchObject({ status: 'completed', drift: false });
      if (whole.effects() > 0 && total > 0) {
        const toolsDone = recorded.filter(
          ({ kind, status, scope }) => kind === 'tool_call' && status === 'completed' && scope !== 'x',
        );
        expect(effects() - before).toBeLessThanOrEqual(whole.effects());
        expect(toolsDone.length).toBeGreaterThanOrEqual(0);
      }
      if (total > 0) expect(survivor.stub.calls()).toBe(total - models);
    }
  });
});

test('two guardrails and two parallel tools that each run twice in parallel always have the same keys', async () => {
  const twice = async (name: string) => {
    const one = (async () => {
      await yieldAtRandom();
      return nestedRun(inner, `${name} one`);
    })();
    const two = (async () => {
      await yieldAtRandom();
      return nestedRun(inner, `${name} two`);
    })();
    await Promise.all([one, two]);
  };
  const guardrail = (name: string): InputGuardrail => ({
    name,
    execute: async () => {
      await twice(name);
      return { tripwireTriggered: false, outputInfo: {} };
    },
  });
  const tools = ['left', 'right'].map((name) => counting(name, () => twice('tool').then(() => 'ok')).tool);
  const agent = new Agent({ name: 'main', tools, inputGuardrails: [guardrail('g1'), guardrail('g2')] });
  const reply = async (request: ModelRequest) => {
    await yieldAtRandom();
    return isInner(request) ? 'thought' : calling('left', 'right')(request);
  };
  const keySets: string[][] = [];
  for (let round = 0; round < 10; round += 1) {
    const { memory, stub, final } = await execute(agent, { reply });
    expect(final?.status).toBe('completed');
    const keys = memory.steps().map(({ key }) => key);
    expect(keys.filter((key) => key.startsWith('m:'))).toHaveLength(stub.calls());
    keySets.push(keys.sort());
  }
  expect(new Set(keySets.map((keys) => keys.join(' '))).size).toBe(1);
  expect(keySets[0]).toHaveLength(2 + 8 + 2 + 2); // the calls of the run, nested ones, tools and guardrails
});

test('call ids that a server repeats are made unique, and every call takes effect', async () => {
  const one = counting('one');
  const results = (request: ModelRequest) =>
    itemsOf(request).filter((item) => item.type === 'function_call_result').length;
  const reply = (request: ModelRequest): StubReply => (results(request) < 3 ? [{ call: 'one', id: 'call_0' }] : 'done');
  const agent = new Agent({ name: 'main', tools: [one.tool] });
  const first = await execute(agent, { reply });
  expect(first.final?.status).toBe('completed');
  expect(new Set(one.calls).size).toBe(3);
  const again = await execute(agent, { reply, journal: first.memory });
  expect([again.stub.calls(), one.calls.length]).toEqual([0, 3]);
});

test('a tool that finishes after its timeout has timed out, also when the run is executed again', async () => {
  let calls = 0;
  let finish = () => {};
  const slow = tool({
    name: 'slow',
    description: 'slow',
    parameters: z.object({}),
    timeoutMs: 20,
    execute: async () => {
      calls += 1;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return 'late';
    },
  });
  const seen: string[] = [];
  const reply = (request: ModelRequest): StubReply => {
    const result = itemsOf(request).find((item) => item.type === 'function_call_result');
    if (!result) return callsOf('slow');
    seen.push(JSON.stringify(result));
    finish();
    return 'done';
  };
  const agent = new Agent({ name: 'main', tools: [slow] });
  const first = await execute(agent, { reply });
  expect(seen[0]).toContain('timed out');
  expect(first.memory.steps().find(({ kind }) => kind === 'tool_call')).toMatchObject({
    status: 'failed',
    isError: true,
  });
  const again = await execute(agent, { reply, journal: first.memory });
  expect([again.stub.calls(), calls, again.final?.drift]).toEqual([0, 1, false]);
});

test('only calls that succeeded take a position in the journal: a retry by the SDK does not shift it', async () => {
  let failures = 1;
  const reply = (): StubReply => {
    if (failures-- > 0) throw Object.assign(new Error('busy'), { status: 503 });
    return 'done';
  };
  const modelSettings = {
    retry: { maxRetries: 2, policy: retryPolicies.httpStatus([503]), backoff: { initialDelayMs: 1 } },
  };
  const agent = new Agent({ name: 'main', modelSettings });
  const first = await execute(agent, { reply });
  expect(first.final?.status).toBe('completed');
  expect(first.memory.steps()).toHaveLength(1);
  const again = await execute(agent, { reply, journal: first.memory });
  expect(again.stub.calls()).toBe(0);
});

test('a request that differs from the recorded one is answered from the journal and reported as drift', async () => {
  let version = 1;
  const agent = new Agent({ name: 'main', instructions: () => `Instructions, version ${version}.` });
  const first = await execute(agent, { reply: () => 'done' });
  expect(first.final?.drift).toBe(false);
  version = 2;
  const again = await execute(agent, { reply: () => 'other', journal: first.memory });
  expect(again.final).toMatchObject({ drift: true, response: 'done' });
  expect(again.memory.steps()[0]).toMatchObject({ drift: true, replayed: 1 });
});

test('a stream that broke off is not recorded, and its text is withdrawn', async () => {
  const model = {
    getResponse: () => Promise.reject(new Error('not used')),
    async *getStreamedResponse() {
      yield { type: 'output_text_delta' as const, delta: 'half of' };
      throw new TypeError('terminated');
    },
  };
  const { final, memory, events } = await execute(new Agent({ name: 'main', model: model as never }), {
    reply: () => '',
    mode: 'stream',
  });
  expect(final?.error?.code).toBe('provider_error');
  expect(memory.steps()).toEqual([]);
  expect(events.map(({ type }) => type)).toEqual(['text.delta', 'text.reset']);
});

test('a tool that failed fails the same way when the run is executed again, without being called', async () => {
  let calls = 0;
  const broken = tool({
    name: 'broken',
    description: 'broken',
    parameters: z.object({}),
    errorFunction: null,
    execute: async () => {
      calls += 1;
      throw new RangeError('no such order');
    },
  });
  const agent = new Agent({ name: 'main', tools: [broken] });
  const first = await execute(agent, { reply: calling('broken') });
  const again = await execute(agent, { reply: calling('broken'), journal: first.memory });
  expect(first.final?.error?.detail).toBe('Agent error: RangeError');
  expect(again.final?.error).toEqual(first.final?.error);
  expect(calls).toBe(1);
});

test.each([
  ['a number', 42],
  ['null', null],
  ['a list', [1, 'two', { three: 3 }]],
  ['a date in an object', { at: new Date(0) }],
  ['a map', new Map([['a', 1]])],
  ['nothing', undefined],
])('a tool that returns %s returns the same to the model when the run is executed again', async (_, value) => {
  const one = counting('one', () => value);
  const seen: string[] = [];
  const reply = (request: ModelRequest): StubReply => {
    const result = itemsOf(request).find((item) => item.type === 'function_call_result');
    if (!result) return callsOf('one');
    seen.push(JSON.stringify(result));
    return 'done';
  };
  const agent = new Agent({ name: 'main', tools: [one.tool] });
  const first = await execute(agent, { reply });
  first.memory.steps().pop();
  const journal = createMemoryJournal();
  journal.write({ steps: first.memory.steps().filter(({ step }) => step < 3), events: [] });
  journal.attempts = 1;
  const again = await execute(agent, { reply, journal });
  expect(again.final?.status).toBe('completed');
  expect(seen[1]).toBe(seen[0]);
  expect(one.calls).toHaveLength(1);
});

test('nothing is recorded or executed once another attempt has taken over', async () => {
  const one = counting('one');
  const journal = createMemoryJournal();
  journal.refuses = true;
  const agent = new Agent({ name: 'main', tools: [one.tool] });
  await execute(agent, { reply: calling('one'), journal });
  expect(one.calls).toEqual([]);
});

test('currentCall() outside of a run throws an error that says so', () => {
  expect(() => currentCall()).toThrow('outside of a tool call');
  expect(createAgentRegistry({ inner }).entry).toBe('inner');
});
