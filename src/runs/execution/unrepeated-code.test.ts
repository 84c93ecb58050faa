/**
 * The application's code outside of models and function tools: how often it is called in a run that waits for approvals,
 * compared with the SDK's own `run()`, and in a run whose process dies at each of its journal writes.
 */
import {
  Agent,
  applyPatchTool,
  computerTool,
  defineToolInputGuardrail,
  defineToolOutputGuardrail,
  Handoff,
  handoff,
  type ModelRequest,
  Runner,
  setTracingDisabled,
  shellTool,
  ToolGuardrailFunctionOutputFactory,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { crashedAtEachWrite, executeApproved } from '../../../tests/support/run-over-crashes.ts';
import { createStubModel, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import { type AnyAgent, type Effect, effect } from '../../agents/index.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const none = z.object({});
type Note = (what: string) => void;

/** A tool that needs an approval. */
const pay = () =>
  effect(
    tool({ name: 'pay', description: 'Pays.', parameters: none, needsApproval: true, execute: () => 'paid' }),
    'once',
  );
const call = (name: string, id = name): StubReply => [{ call: name, id }];

/** Replies in turn: as many as the request has results. */
const inTurn =
  (...replies: StubReply[]) =>
  (request: ModelRequest): StubReply => {
    const results = itemsOf(request).filter(({ type }) => /_(result|output)$/.test(type ?? '')).length;
    return replies[results] ?? 'done';
  };

type App = { name: string; make: (note: Note) => AnyAgent; reply: (request: ModelRequest) => StubReply };

const shellCall = {
  item: { type: 'shell_call', callId: 's1', status: 'completed', action: { commands: ['deploy'] } },
};
const patchCall = (type: string, id: string) => ({
  item: {
    type: 'apply_patch_call',
    callId: id,
    status: 'completed',
    operation: { type, path: 'a.txt', diff: '+a' },
  },
});
const computerCall = {
  item: {
    type: 'computer_call',
    callId: 'k1',
    status: 'completed',
    actions: [
      { type: 'click', x: 1, y: 2, button: 'left' },
      { type: 'type', text: 'hello' },
    ],
  },
};

const recordingShell = (note: Note, kind?: Effect) => {
  const shell = shellTool({
    shell: {
      run: async ({ commands }) => {
        note(`shell ${commands.join()}`);
        return { output: [{ stdout: 'ok', stderr: '', outcome: { type: 'exit' as const, exitCode: 0 } }] };
      },
    },
  });
  return kind === undefined ? shell : effect(shell, kind);
};

function recordingComputer(note: Note) {
  const act = (name: string) => async () => note(`computer ${name}`);
  const names = ['click', 'doubleClick', 'drag', 'keypress', 'move', 'scroll', 'type', 'wait'];
  const actions = Object.fromEntries(names.map((name) => [name, act(name)]));
  const screenshot = async () => {
    note('computer screenshot');
    return 'cGljdHVyZQ==';
  };
  return { environment: 'browser', dimensions: [800, 600], ...actions, screenshot } as never;
}

const apps: App[] = [
  {
    name: 'onHandoff, with an input',
    make: (note) => {
      const desk = new Agent({ name: 'Desk', tools: [pay()] });
      const inputType = z.object({ why: z.string() });
      const onHandoff = (_context: unknown, input?: { why: string }) => note(`onHandoff ${input?.why}`);
      return new Agent({ name: 'Front', handoffs: [handoff(desk, { inputType, onHandoff })] });
    },
    reply: inTurn([{ call: 'transfer_to_Desk', args: { why: 'bill' }, id: 'h' }], call('pay')),
  },
  {
    name: 'guardrails of input, output and tools',
    make: (note) => {
      const guard = (name: string) => ({
        name,
        execute: async () => {
          note(name);
          return { tripwireTriggered: false, outputInfo: { seen: true } };
        },
      });
      const toolGuard = (name: string) => ({
        name,
        run: async () => {
          note(name);
          return ToolGuardrailFunctionOutputFactory.allow();
        },
      });
      const look = tool({
        name: 'look',
        description: 'Looks.',
        parameters: none,
        execute: () => 'seen',
        inputGuardrails: [defineToolInputGuardrail(toolGuard('tool input'))],
        outputGuardrails: [defineToolOutputGuardrail(toolGuard('tool output'))],
      });
      return new Agent({
        name: 'Front',
        tools: [look, pay()],
        inputGuardrails: [guard('input'), { ...guard('blocking input'), runInParallel: false }],
        outputGuardrails: [guard('output')],
      });
    },
    reply: inTurn(call('look'), call('pay')),
  },
  {
    name: 'needsApproval as a function',
    make: (note) => {
      const ask = (name: string, needed: boolean) =>
        tool({
          name,
          description: name,
          parameters: none,
          execute: () => name,
          needsApproval: async (_context, _input, callId) => {
            note(`${name} ${callId}`);
            return needed;
          },
        });
      return new Agent({ name: 'Front', tools: [ask('free', false), ask('guarded', true), pay()] });
    },
    reply: inTurn(call('free'), call('guarded'), call('pay')),
  },
  {
    name: 'a local shell',
    make: (note) => new Agent({ name: 'Front', tools: [recordingShell(note), pay()] }),
    reply: inTurn([shellCall], call('pay')),
  },
  {
    name: 'a local shell that asks, with onApproval',
    make: (note) => {
      const shell = shellTool({
        shell: { run: async () => ({ output: [{ stdout: 'x', stderr: '', outcome: { type: 'exit', exitCode: 0 } }] }) },
        needsApproval: async () => {
          note('needsApproval');
          return true;
        },
        onApproval: async () => {
          note('onApproval');
          return { approve: true };
        },
      });
      return new Agent({ name: 'Front', tools: [shell, pay()] });
    },
    reply: inTurn([shellCall], call('pay')),
  },
  {
    name: 'apply_patch',
    make: (note) => {
      const edit = (name: string) => async () => {
        note(name);
        return { status: 'completed' as const, output: name };
      };
      const editor = { createFile: edit('create'), updateFile: edit('update'), deleteFile: edit('delete') };
      return new Agent({ name: 'Front', tools: [applyPatchTool({ editor }), pay()] });
    },
    reply: inTurn([patchCall('create_file', 'p1')], [patchCall('update_file', 'p2')], call('pay')),
  },
  {
    name: 'a computer',
    make: (note) =>
      new Agent({ name: 'Front', tools: [computerTool({ computer: recordingComputer(note) }) as never, pay()] }),
    reply: inTurn([computerCall], call('pay')),
  },
  {
    name: 'a computer that is made for each run',
    make: (note) =>
      new Agent({
        name: 'Front',
        tools: [computerTool({ computer: async () => recordingComputer(note) }) as never, pay()],
      }),
    reply: inTurn([computerCall], call('pay')),
  },
  {
    name: 'lifecycle hooks of agents',
    make: (note) => {
      const look = tool({ name: 'look', description: 'Looks.', parameters: none, execute: () => 'seen' });
      const desk = new Agent({ name: 'Desk', tools: [look, pay()] });
      const front = new Agent({ name: 'Front', handoffs: [desk] });
      for (const agent of [front, desk]) {
        agent.on('agent_start', () => note(`start ${agent.name}`));
        agent.on('agent_end', () => note(`end ${agent.name}`));
        agent.on('agent_handoff', (_context, next) => note(`handoff to ${next.name}`));
        agent.on('agent_tool_start', (_context, { name }) => note(`tool start ${name}`));
        agent.on('agent_tool_end', (_context, { name }) => note(`tool end ${name}`));
      }
      return front;
    },
    reply: inTurn(call('transfer_to_Desk', 'h'), call('look'), call('pay')),
  },
  {
    name: 'a guardrail that tells more than JSON has',
    make: (note) => {
      const info: Record<string, unknown> = { amount: 1n, seen: new Map() };
      info.self = info;
      const execute = async () => {
        note('input');
        return { tripwireTriggered: false, outputInfo: info };
      };
      return new Agent({ name: 'Front', tools: [pay()], inputGuardrails: [{ name: 'input', execute }] });
    },
    reply: inTurn(call('pay')),
  },
  {
    name: 'lifecycle hooks around an agent used as a tool that waits for approvals',
    make: (note) => {
      const inner = new Agent({ name: 'Inner', instructions: 'inner', tools: [pay()] });
      const front = new Agent({ name: 'Front', tools: [inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' })] });
      for (const agent of [front, inner]) {
        agent.on('agent_start', () => note(`start ${agent.name}`));
        agent.on('agent_end', () => note(`end ${agent.name}`));
        agent.on('agent_tool_start', (_context, { name }) => note(`tool start ${name}`));
        agent.on('agent_tool_end', (_context, { name }, output) => note(`tool end ${name} ${output}`));
      }
      return front;
    },
    reply: (request) =>
      request.systemInstructions === 'inner'
        ? inTurn(call('pay', 'p1'), call('pay', 'p2'))(request)
        : inTurn([{ call: 'ask', args: { input: 'x' }, id: 'a1' }])(request),
  },
  {
    name: 'the same in an agent used as a tool',
    make: (note) => {
      const inner = new Agent({
        name: 'Inner',
        instructions: 'inner',
        tools: [recordingShell(note), pay()],
        inputGuardrails: [
          {
            name: 'inner input',
            execute: async () => {
              note('inner input');
              return { tripwireTriggered: false, outputInfo: null };
            },
          },
        ],
      });
      inner.on('agent_start', () => note('start Inner'));
      return new Agent({ name: 'Front', tools: [inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' })] });
    },
    reply: (request) =>
      request.systemInstructions === 'inner'
        ? inTurn([shellCall], call('pay'))(request)
        : inTurn([{ call: 'ask', args: { input: 'x' }, id: 'a1' }])(request),
  },
];

/** The SDK alone: every approval is given, over the text of its state as another process would do it. */
async function runBySdk({ make, reply }: App) {
  const notes: string[] = [];
  const stub = createStubModel(reply);
  const runner = new Runner({ modelProvider: stub.provider, model: 'stub-1' });
  const agent = make((what) => notes.push(what));
  let result = await runner.run(agent, 'hello', { context: {} });
  while (result.interruptions.length > 0) {
    for (const item of result.interruptions) result.state.approve(item);
    result = await runner.run(agent, result.state);
  }
  return { notes, output: result.finalOutput, requests: stub.requests.map(itemsOf) };
}

describe.each(apps)('$name', (app) => {
  test.each(['blocking', 'stream'] as const)(
    'happens as often as with the SDK alone, over approvals (%s)',
    async (mode) => {
      const expected = await runBySdk(app);
      const notes: string[] = [];
      const agent = app.make((what) => notes.push(what));
      const requests: unknown[] = [];
      const reply = (request: ModelRequest) => {
        requests.push(itemsOf(request));
        return app.reply(request);
      };
      const { final } = await executeApproved(agent, { reply, mode });
      expect(final).toMatchObject({ status: 'completed', response: expected.output, drift: false });
      expect(notes).toEqual(expected.notes);
      expect(requests).toEqual(expected.requests);
    },
  );

  test('does not happen again once it is recorded, wherever the process dies', async () => {
    const expected = await runBySdk(app);
    let notes: string[] = [];
    const make = () => app.make((what) => notes.push(what));
    const setup = { reply: app.reply };
    let crashes = 0;
    for await (const journal of crashedAtEachWrite(make, setup)) {
      crashes += 1;
      const { final } = await executeApproved(make(), { ...setup, journal });
      expect(final).toMatchObject({ status: 'completed', drift: false });
      const times = (what: string) => notes.filter((each) => each === what).length;
      for (const what of new Set(expected.notes)) {
        const once = expected.notes.filter((each) => each === what).length;
        expect(times(what), what).toBeGreaterThanOrEqual(once);
        expect(times(what), what).toBeLessThanOrEqual(once + 1); // its process died before it was recorded
      }
      notes = [];
      const again = await execute(make(), { ...setup, journal });
      expect(again.final?.status).toBe('completed');
      expect(notes).toEqual([]);
    }
    expect(crashes).toBeGreaterThan(1);
  });
});

test('a screenshot is described in events, and its data is in the step', async () => {
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const screenshot = Buffer.concat([signature, Buffer.alloc(3_000, 7)]).toString('base64');
  const computer = { ...(recordingComputer(() => {}) as object), screenshot: async () => screenshot } as never;
  const agent = new Agent({ name: 'Front', tools: [computerTool({ computer }) as never] });
  const { memory, events, stub } = await execute(agent, { reply: inTurn([computerCall]) });
  expect(JSON.stringify(stub.requests.at(-1)?.input)).toContain(`data:image/png;base64,${screenshot}`);
  const completed = events.find(({ type }) => type === 'tool.completed');
  expect(completed).toMatchObject({ tool: 'computer_use_preview', output: expect.stringContaining('image/png') });
  expect(JSON.stringify(completed)).not.toContain(screenshot);
  expect(JSON.stringify(memory.steps().find(({ kind }) => kind === 'tool_call')?.output)).toContain(screenshot);
});

test.each([
  { kind: 'idempotent', status: 'completed', calls: 2 },
  { kind: 'once', status: 'failed', calls: 1 },
] as const)(
  'a handoff that chooses its agent itself is asked again which it was, but not if it is $kind',
  async ({ kind, status, calls }) => {
    let chosen = 0;
    const desks = [new Agent({ name: 'First' }), new Agent({ name: 'Second', tools: [pay()] })];
    const choose = async () => {
      chosen += 1;
      return desks[1] as AnyAgent;
    };
    const choosing = effect(new Handoff(desks[0] as AnyAgent, choose as never), kind);
    const front = new Agent({ name: 'Front', handoffs: [choosing as never] });
    const { final } = await executeApproved(front, { reply: inTurn(call('transfer_to_First', 'h'), call('pay')) });
    expect([final?.status, chosen]).toEqual([status, calls]);
  },
);
