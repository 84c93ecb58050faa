import { Agent, type InputGuardrail, type OutputGuardrail, run, tool } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase, World } from '../case.ts';
import { call, say } from '../script.ts';
import { counted, none } from './pieces.ts';

const input = ({ note }: World, trips: boolean, more: Partial<InputGuardrail> = {}): InputGuardrail => ({
  name: 'polite',
  execute: async () => {
    note('input guardrail');
    return { tripwireTriggered: trips, outputInfo: { because: 'rude' } };
  },
  ...more,
});

// biome-ignore lint/suspicious/noExplicitAny: guardrails of any output
const output = ({ note }: World, trips: boolean): OutputGuardrail<any> => ({
  name: 'no-secrets',
  execute: async () => {
    note('output guardrail');
    return { tripwireTriggered: trips, outputInfo: null };
  },
});

/** A tool with guardrails around it. */
const guarded = ({ note }: World, behaviors: { before?: object; after?: object }) =>
  tool({
    name: 'pay',
    description: 'Pays.',
    parameters: none,
    execute: async () => {
      note('pay');
      return 'paid';
    },
    inputGuardrails: [
      {
        name: 'before',
        run: async () => {
          note('before');
          return { behavior: (behaviors.before ?? { type: 'allow' }) as { type: 'allow' } };
        },
      },
    ],
    outputGuardrails: [
      {
        name: 'after',
        run: async () => {
          note('after');
          return { behavior: (behaviors.after ?? { type: 'allow' }) as { type: 'allow' } };
        },
      },
    ],
  });

/** Guardrails of agents and tools. */
export const guardrailCases: SdkCase[] = [
  {
    feature: 'Input and output guardrails that let pass',
    status: 'works',
    agents: (world) => ({
      Guarded: new Agent({
        name: 'Guarded',
        instructions: 'Answer.',
        inputGuardrails: [input(world, false, { runInParallel: false })],
        outputGuardrails: [output(world, false)],
        tools: [counted(world, 'look_up'), counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    script: [call('look_up'), call('pay'), say('Paid.')],
  },
  {
    feature: 'Input guardrails that stop the run',
    status: 'works',
    note: 'The run fails with `guardrail_tripped`, which names the guardrail.',
    agents: (world) => ({
      Guarded: new Agent({
        name: 'Guarded',
        instructions: 'Answer.',
        inputGuardrails: [input(world, true, { runInParallel: false })],
      }),
    }),
    script: [say('Never said.')],
    fails: { sdk: 'InputGuardrailTripwireTriggered', code: 'guardrail_tripped' },
  },
  {
    feature: 'Output guardrails that stop the run',
    status: 'works',
    agents: (world) => ({
      Guarded: new Agent({ name: 'Guarded', instructions: 'Answer.', outputGuardrails: [output(world, true)] }),
    }),
    script: [say('A secret.')],
    fails: { sdk: 'OutputGuardrailTripwireTriggered', code: 'guardrail_tripped' },
  },
  {
    feature: 'Guardrails that run an agent',
    status: 'works',
    note: 'Its model calls are steps of the run.',
    agents: (world) => {
      const checker = new Agent({
        name: 'Checker',
        instructions: 'I am Checker.',
        outputType: z.object({ isHomework: z.boolean() }),
      });
      const homework: InputGuardrail = {
        name: 'homework',
        runInParallel: false,
        execute: async ({ input: asked, context }) => {
          const result = await run(checker, asked, { context });
          return { tripwireTriggered: result.finalOutput?.isHomework === true, outputInfo: result.finalOutput };
        },
      };
      return {
        Tutor: new Agent({
          name: 'Tutor',
          instructions: 'I am Tutor.',
          inputGuardrails: [homework],
          tools: [counted(world, 'look_up')],
        }),
      };
    },
    script: { 'I am Checker.': [say('{"isHomework":false}')], 'I am Tutor.': [call('look_up'), say('Not homework.')] },
  },
  {
    feature: 'Output guardrails that run an agent',
    status: 'works',
    agents: () => {
      const checker = new Agent({
        name: 'Checker',
        instructions: 'I am Checker.',
        outputType: z.object({ isRude: z.boolean() }),
      });
      const polite: OutputGuardrail = {
        name: 'polite',
        execute: async ({ agentOutput, context }) => {
          const result = await run(checker, String(agentOutput), { context });
          return { tripwireTriggered: result.finalOutput?.isRude === true, outputInfo: result.finalOutput };
        },
      };
      return { Tutor: new Agent({ name: 'Tutor', instructions: 'I am Tutor.', outputGuardrails: [polite] }) };
    },
    script: { 'I am Checker.': [say('{"isRude":true}')], 'I am Tutor.': [say('Go away.')] },
    fails: { sdk: 'OutputGuardrailTripwireTriggered', code: 'guardrail_tripped' },
  },
  {
    feature: 'Guardrails of tools that let pass',
    status: 'works',
    agents: (world) => ({ Desk: new Agent({ name: 'Desk', instructions: 'Help.', tools: [guarded(world, {})] }) }),
    script: [call('pay'), say('Paid.')],
  },
  {
    feature: 'Guardrails of tools that replace the call or its result',
    status: 'works',
    agents: (world) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [guarded(world, { after: { type: 'rejectContent', message: 'That is private.' } })],
      }),
    }),
    script: [call('pay'), say('I may not say.')],
  },
  {
    feature: 'Guardrails of tools that stop the run',
    status: 'works',
    agents: (world) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [guarded(world, { before: { type: 'throwException' } })],
      }),
    }),
    script: [call('pay')],
    fails: { sdk: 'ToolCallError', code: 'guardrail_tripped' },
  },
];
