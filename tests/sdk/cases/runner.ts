import { Agent } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { counted } from './pieces.ts';

const note = 'The option `runner` of `serve()` takes what `new Runner()` and `run()` take.';
const helper = () => ({
  Helper: new Agent({ name: 'Helper', instructions: 'Help.', modelSettings: { temperature: 0.5 } }),
});

/** What is given to `new Runner()` and to `run()`. */
export const runnerCases: SdkCase[] = [
  {
    feature: 'Run options: `modelSettings`',
    status: 'how',
    note,
    agents: helper,
    runner: { modelSettings: { temperature: 0, maxTokens: 50 } },
    script: [say('Helped.')],
  },
  {
    feature: 'Run options: input and output guardrails',
    status: 'how',
    note,
    agents: helper,
    runner: {
      inputGuardrails: [
        {
          name: 'block-all',
          runInParallel: false,
          execute: async () => ({ tripwireTriggered: true, outputInfo: null }),
        },
      ],
    },
    script: [say('Never said.')],
    fails: { sdk: 'InputGuardrailTripwireTriggered', code: 'guardrail_tripped' },
  },
  {
    feature: 'Run options: `handoffInputFilter`',
    status: 'how',
    note,
    agents: () => {
      const desk = new Agent({ name: 'Desk', instructions: 'I am Desk.' });
      return { Front: new Agent({ name: 'Front', instructions: 'I am Front.', handoffs: [desk] }) };
    },
    runner: { handoffInputFilter: (data) => ({ ...data, preHandoffItems: [], newItems: [] }) },
    script: { 'I am Front.': [call('transfer_to_Desk')], 'I am Desk.': [say('Desk speaks.')] },
  },
  {
    feature: 'Run options: `callModelInputFilter`',
    status: 'how',
    note,
    agents: (world) => ({
      Helper: new Agent({ name: 'Helper', instructions: 'Help.', tools: [counted(world, 'look_up')] }),
    }),
    runner: {
      callModelInputFilter: ({ modelData }) => ({ ...modelData, instructions: `${modelData.instructions} Be brief.` }),
    },
    script: [call('look_up'), say('Brief.')],
  },
  {
    feature: 'Run options: `toolErrorFormatter`',
    status: 'how',
    note,
    agents: (world) => ({
      Helper: new Agent({
        name: 'Helper',
        instructions: 'Help.',
        tools: [counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    decide: () => ({ approve: false }),
    runner: { toolErrorFormatter: ({ toolName }) => `A person does not want ${toolName}.` },
    script: [call('pay'), say('Not paid.')],
  },
  {
    feature: 'Run options: `toolNotFoundBehavior`',
    status: 'how',
    note,
    agents: (world) => ({
      Helper: new Agent({ name: 'Helper', instructions: 'Help.', tools: [counted(world, 'look_up')] }),
    }),
    runner: { toolNotFoundBehavior: 'return_error_to_model' },
    script: [call('nobody'), call('look_up'), say('Found.')],
  },
  {
    feature: 'Run options: `errorHandlers`',
    status: 'how',
    note,
    agents: (world) => ({
      Loop: new Agent({
        name: 'Loop',
        instructions: 'Again.',
        tools: [counted(world, 'look_up')],
        modelSettings: { toolChoice: 'required' },
        resetToolChoice: false,
      }),
    }),
    runner: { maxTurns: 2, errorHandlers: { maxTurns: () => ({ finalOutput: 'I gave up.' }) } },
    script: [call('look_up')],
  },
  {
    feature: 'Run options: `maxTurns`',
    status: 'how',
    note: `${note} A request may ask for less: \`max_turns\`.`,
    agents: (world) => ({
      Helper: new Agent({ name: 'Helper', instructions: 'Help.', tools: [counted(world, 'look_up')] }),
    }),
    runner: { maxTurns: 2 },
    script: [call('look_up'), call('look_up'), call('look_up'), say('Never said.')],
    fails: { sdk: 'MaxTurnsExceededError', code: 'max_turns_exceeded' },
  },
  {
    feature: 'Run options: `reasoningItemIdPolicy`',
    status: 'how',
    note,
    agents: (world) => ({
      Helper: new Agent({ name: 'Helper', instructions: 'Help.', tools: [counted(world, 'look_up')] }),
    }),
    runner: { reasoningItemIdPolicy: 'omit' },
    script: [{ ...call('look_up'), reasoning: 'I look.' }, say('Found.')],
    apis: ['responses'],
  },
  {
    feature: 'Run options: `toolExecution`',
    status: 'how',
    note,
    agents: (world) => ({
      Helper: new Agent({
        name: 'Helper',
        instructions: 'Help.',
        tools: [counted(world, 'one'), counted(world, 'two')],
      }),
    }),
    runner: { toolExecution: { maxFunctionToolConcurrency: 1 } },
    script: [{ calls: [{ name: 'one' }, { name: 'two' }] }, say('Both.')],
  },
  {
    feature: 'Run options: names for traces (`workflowName`, `groupId`, `traceMetadata`)',
    status: 'how',
    note,
    agents: () => ({
      Helper: new Agent({ name: 'Helper', instructions: 'Help.', outputType: z.object({ ok: z.boolean() }) }),
    }),
    runner: { workflowName: 'Help desk', groupId: 'g-1', traceMetadata: { team: 'blue' } },
    script: [say('{"ok":true}')],
  },
];
