import {
  Agent,
  type InputGuardrail,
  run as nestedRun,
  type OutputGuardrail,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  journalAfter,
  recordedCalls,
  runBySdk,
  runByService,
  type Subject,
} from '../../../tests/support/runner-parity.ts';
import { createStubModel, hasToolResult, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import type { JsonRecord } from '../../storage/port/index.ts';
import type { RunnerOptions } from './runner-options.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

/** What an option is tried on: agents and a model that the option makes a difference to. */
type Setting = (seen: unknown[]) => Omit<Subject, 'runner' | 'seen'>;
type Case = {
  option: keyof RunnerOptions;
  does: string;
  runner: (seen: unknown[]) => RunnerOptions;
  setting: Setting;
};

const note = (seen: unknown[], name = 'note', output: unknown = `${name} done`) =>
  tool({
    name,
    description: name,
    parameters: z.object({}),
    execute: async () => {
      seen.push(`${name} is executed`);
      return output;
    },
  });

const callOf = (...names: string[]): StubReply => names.map((call, at) => ({ call, id: `call_${call}_${at}` }));

/** One tool call, then an answer. */
const oneTool: Setting = (seen) => ({
  agent: new Agent({ name: 'main', instructions: 'Be brief.', tools: [note(seen)] }),
  reply: (request) => (hasToolResult(request) ? 'done' : callOf('note')),
});

/** A model that never stops calling a tool. */
const endless: Setting = (seen) => ({
  agent: new Agent({ name: 'main', tools: [note(seen)] }),
  reply: (request) => [{ call: 'note', id: `call_${itemsOf(request).length}` }],
});

/** A model that calls a tool that there is not. */
const unknownTool: Setting = () => ({
  agent: new Agent({ name: 'main' }),
  reply: (request) => (hasToolResult(request) ? 'done' : callOf('nothing')),
});

/** A handoff after a tool call. */
const handoff: Setting = (seen) => {
  const target = new Agent({ name: 'target', instructions: 'You are the target.' });
  const agent = new Agent({ name: 'main', handoffs: [target], tools: [note(seen)] });
  return {
    agent,
    reply: (request) => {
      if (request.systemInstructions?.includes('target')) return 'from the target';
      return hasToolResult(request) ? callOf('transfer_to_target') : callOf('note');
    },
  };
};

/** Two calls at once, whose executions are seen to begin and end. */
const twoAtOnce: Setting = (seen) => {
  const slow = (name: string) =>
    tool({
      name,
      description: name,
      parameters: z.object({}),
      execute: async () => {
        seen.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} ends`);
        return name;
      },
    });
  const agent = new Agent({ name: 'main', tools: [slow('one'), slow('two')] });
  return { agent, reply: (request) => (hasToolResult(request) ? 'done' : callOf('one', 'two')) };
};

/** An answer with reasoning before a tool call. */
const reasoning: Setting = (seen) => ({
  agent: new Agent({ name: 'main', tools: [note(seen)] }),
  reply: (request) =>
    hasToolResult(request)
      ? 'done'
      : [
          { item: { type: 'reasoning', id: 'rs_1', content: [{ type: 'input_text', text: 'hm' }] } },
          { call: 'note', id: 'c1' },
        ],
});

const refusal: Setting = () => ({
  agent: new Agent({ name: 'main' }),
  reply: () => [
    {
      item: {
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'refusal', refusal: 'I will not.' }],
      },
    },
  ],
});

const brokenOutput: Setting = () => ({
  agent: new Agent({ name: 'main', outputType: z.object({ sum: z.number() }) }) as never,
  reply: () => '{"sum":"many"}',
});

/** A tool and a handoff of the same name. */
const sameNames: Setting = (seen) => ({
  agent: new Agent({
    name: 'main',
    tools: [note(seen, 'transfer_to_target')],
    handoffs: [new Agent({ name: 'target' })],
  }),
  reply: () => 'done',
});

/** An agent used as a tool, with a model call of its own, and a tool that it does not have. */
const agentAsTool: Setting = () => {
  const helper = new Agent({ name: 'helper', instructions: 'You are the helper.' });
  const agent = new Agent({ name: 'main', tools: [helper.asTool({ toolName: 'ask', toolDescription: 'asks' })] });
  return {
    agent,
    reply: (request) => {
      if (hasToolResult(request)) return 'done';
      if (request.systemInstructions?.includes('helper')) return callOf('nothing');
      return [{ call: 'ask', args: { input: 'x' }, id: 'ask_1' }];
    },
  };
};

/** A run() in a tool, whose model tells the settings that it is called with. */
const runInTool: Setting = (seen) => {
  const telling = createStubModel((request) => {
    seen.push(request.modelSettings.temperature ?? 'no temperature');
    return 'thought';
  });
  const helper = new Agent({ name: 'helper', model: telling.model });
  const ask = tool({
    name: 'ask',
    description: 'asks',
    parameters: z.object({}),
    execute: async () => (await nestedRun(helper, 'think')).finalOutput,
  });
  const agent = new Agent({ name: 'main', tools: [ask] });
  return { agent, reply: (request) => (hasToolResult(request) ? 'done' : callOf('ask')) };
};

/** The answer of a tool is that of the run, and a guardrail refuses it. */
const terminalTool: Setting = (seen) => ({
  agent: new Agent({
    name: 'main',
    tools: [note(seen, 'note', 'secret')],
    toolUseBehavior: 'stop_on_first_tool',
    outputGuardrails: [refusing('no-secrets')],
  }),
  reply: () => callOf('note'),
});

function refusing(name: string, seen?: unknown[]): InputGuardrail & OutputGuardrail {
  const execute = async () => {
    seen?.push(`${name} is asked`);
    return { tripwireTriggered: true, outputInfo: null };
  };
  return { name, execute };
}

const cases: Case[] = [
  { option: 'maxTurns', does: 'ends a run', setting: endless, runner: () => ({ maxTurns: 2 }) },
  {
    option: 'modelSettings',
    does: 'is a part of each request',
    setting: oneTool,
    runner: () => ({ modelSettings: { temperature: 0.3, maxTokens: 77 } }),
  },
  {
    option: 'modelSettings',
    does: 'is inherited by agents used as tools',
    setting: agentAsTool,
    runner: () => ({ modelSettings: { temperature: 0.3 }, toolNotFoundBehavior: 'return_error_to_model' }),
  },
  {
    option: 'modelSettings',
    does: 'leaves a run() in a tool its own',
    setting: runInTool,
    runner: () => ({ modelSettings: { temperature: 0.3 }, toolNotFoundBehavior: 'return_error_to_model' }),
  },
  {
    option: 'inputGuardrails',
    does: 'stops a run',
    setting: oneTool,
    runner: (seen) => ({ inputGuardrails: [refusing('block-all', seen)] }),
  },
  {
    option: 'outputGuardrails',
    does: 'refuses the answer',
    setting: oneTool,
    runner: (seen) => ({ outputGuardrails: [refusing('block-all', seen)] }),
  },
  {
    option: 'handoffInputFilter',
    does: 'changes what the next agent sees',
    setting: handoff,
    runner: () => ({ handoffInputFilter: (data) => ({ ...data, preHandoffItems: [] }) }),
  },
  {
    option: 'callModelInputFilter',
    does: 'changes what each model is sent',
    setting: oneTool,
    runner: () => ({
      callModelInputFilter: ({ modelData }) => ({
        instructions: `${modelData.instructions ?? ''} Answer in French.`,
        input: modelData.input.map((item) =>
          'role' in item && item.role === 'user' ? { ...item, content: 'bonjour' } : item,
        ) as typeof modelData.input,
      }),
    }),
  },
  {
    option: 'toolNotFoundBehavior',
    does: 'tells the model of a tool that there is not',
    setting: unknownTool,
    runner: () => ({ toolNotFoundBehavior: 'return_error_to_model' }),
  },
  {
    option: 'toolErrorFormatter',
    does: 'words what the model is told',
    setting: unknownTool,
    runner: () => ({
      toolNotFoundBehavior: 'return_error_to_model',
      toolErrorFormatter: ({ toolName, kind }) => `${toolName}: ${kind}, sorry`,
    }),
  },
  {
    option: 'toolNameCollisionPolicy',
    does: 'refuses a tool and a handoff of one name',
    setting: sameNames,
    runner: () => ({ toolNameCollisionPolicy: 'error' }),
  },
  {
    option: 'toolExecution',
    does: 'limits how many tools are executed at once',
    setting: twoAtOnce,
    runner: () => ({ toolExecution: { maxFunctionToolConcurrency: 1 } }),
  },
  {
    option: 'reasoningItemIdPolicy',
    does: 'takes the ids of reasoning away',
    setting: reasoning,
    runner: () => ({ reasoningItemIdPolicy: 'omit' }),
  },
  {
    option: 'errorHandlers',
    does: 'answers in place of too many turns',
    setting: endless,
    runner: () => ({ maxTurns: 2, errorHandlers: { maxTurns: () => ({ finalOutput: 'That took too long.' }) } }),
  },
  {
    option: 'errorHandlers',
    does: 'answers in place of a refusal',
    setting: refusal,
    runner: () => ({ errorHandlers: { modelRefusal: () => ({ finalOutput: 'Ask something else.' }) } }),
  },
  {
    option: 'errorHandlers',
    does: 'answers in place of an output that breaks its schema',
    setting: brokenOutput,
    runner: () => ({ errorHandlers: { default: () => ({ finalOutput: { sum: 0 } }) } }),
  },
  {
    option: 'on',
    does: 'is told of agents, handoffs and tools',
    setting: handoff,
    runner: (seen) => ({
      on: {
        agent_start: (_context, agent) => seen.push(`${agent.name} starts`),
        agent_end: (_context, agent, output) => seen.push(`${agent.name} ends with ${output}`),
        agent_handoff: (_context, from, to) => seen.push(`${from.name} hands over to ${to.name}`),
        agent_tool_start: (_context, agent, used) => seen.push(`${agent.name} starts ${used.name}`),
        agent_tool_end: (_context, agent, used, result) => seen.push(`${agent.name} ended ${used.name}: ${result}`),
      },
    }),
  },
];

const make = ({ setting, runner }: Case, withOption = true): Subject => {
  const seen: unknown[] = [];
  return { ...setting(seen), seen, runner: withOption ? runner(seen) : {} };
};

describe.each([false, true])('runner options, where runs are streamed: %s', (streamed) => {
  test.each(cases)('$option $does, as with the SDK', async (each) => {
    const without = await runBySdk(make(each, false), streamed);
    const theirs = await runBySdk(make(each), streamed);
    const ours = await runByService(make(each), streamed);
    expect(theirs.transcript).not.toEqual(without.transcript); // else nothing is compared
    expect(ours.transcript).toEqual(theirs.transcript);
  });

  test.each(cases)('$option $does also after a crash, at whatever step', async (each) => {
    const whole = await runByService(make(each), streamed);
    const stepsCount = whole.memory.steps().length;
    for (let steps = 0; steps <= stepsCount; steps += 1) {
      const journal = journalAfter(steps, whole.memory);
      const left = whole.transcript.requests.slice(recordedCalls(journal));
      const again = await runByService(make(each), streamed, journal);
      expect(again.transcript.outcome).toEqual(whole.transcript.outcome);
      expect(again.transcript.requests).toEqual(left);
      expect(again.drift).toBe(false);
      expect(again.items).toEqual(whole.items);
    }
  });
});

test.each([
  { option: 'inputGuardrails', once: 'block-all is asked' },
  { option: 'outputGuardrails', once: 'block-all is asked' },
  { option: 'on', once: 'main hands over to target' },
])('$option: what is recorded is not called again after a crash', async ({ option, once }) => {
  const each = cases.find((other) => other.option === option) as Case;
  const whole = await runByService(make(each), false);
  expect(whole.transcript.seen.filter((seen) => seen === once)).toHaveLength(1);
  const again = await runByService(make(each), false, journalAfter(whole.memory.steps().length, whole.memory));
  expect(again.transcript.outcome).toEqual(whole.transcript.outcome);
  expect(again.transcript.seen).not.toContain(once);
});

test('what a callModelInputFilter made of a message is stored in the session, as with the SDK', async () => {
  const each = cases.find(({ option }) => option === 'callModelInputFilter') as Case;
  const theirs = await runBySdk(make(each), false);
  const ours = await runByService(make(each), false);
  expect(JSON.stringify(theirs.items)).toContain('bonjour');
  expect(ours.items).toEqual(JSON.parse(JSON.stringify(theirs.items)));
});

test('outputGuardrailBlockedMessage replaces an answer that a guardrail refused, in the session too', async () => {
  const each: Case = {
    option: 'outputGuardrailBlockedMessage',
    does: '',
    setting: terminalTool,
    runner: () => ({ outputGuardrailBlockedMessage: ({ guardrailName }) => `withheld by ${guardrailName}` }),
  };
  const theirs = await runBySdk(make(each), false);
  const ours = await runByService(make(each), false);
  expect(ours.transcript).toEqual(theirs.transcript);
  const outputs = (items: JsonRecord[]) => items.filter(({ type }) => type === 'function_call_result');
  expect(outputs(theirs.items)).toMatchObject([{ output: 'withheld by no-secrets' }]);
  expect(outputs(ours.items)).toMatchObject([{ output: 'withheld by no-secrets' }]);
  expect(JSON.stringify(ours.items)).not.toContain('secret"');
  const again = await runByService(make(each), false, journalAfter(2, ours.memory));
  expect(again.items).toEqual(ours.items);
});
