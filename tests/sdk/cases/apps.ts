import { Agent, MaxTurnsExceededError, Runner, run, tool } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { asTool, counted, none, toolOf } from './pieces.ts';

/** Apps that put several features together. */
export const appCases: SdkCase[] = [
  {
    feature: 'Tools that are enabled by what another tool wrote to the context',
    status: 'works',
    agents: () => {
      const late = tool({
        name: 'late',
        description: 'Is there later.',
        parameters: none,
        isEnabled: ({ runContext }) => (runContext.context as { open: boolean }).open,
        execute: async () => 'late',
      });
      const unlock = toolOf('unlock', (context) => {
        context.open = true;
        return 'open';
      });
      return { Gate: new Agent({ name: 'Gate', instructions: 'Open.', tools: [unlock, late] }) };
    },
    context: { open: false },
    script: [call('unlock'), call('late'), say('Through.')],
  },
  {
    feature: 'Usage in the instructions, across an approval and an agent as a tool',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      return {
        Outer: new Agent({
          name: 'Outer',
          instructions: ({ usage }) => `I am Outer. ${usage.requests} requests, ${usage.totalTokens} tokens.`,
          tools: [asTool(inner), counted(world, 'pay', { needsApproval: true })],
        }),
      };
    },
    script: {
      'I am Outer.': [call('ask_inner', { input: 'Hi' }), call('pay'), say('Done.')],
      'I am Inner.': [say('Inside.')],
    },
  },
  {
    feature: 'Approvals behind a handoff inside an agent as a tool',
    status: 'works',
    agents: (world) => {
      const deep = new Agent({
        name: 'Deep',
        instructions: 'I am Deep.',
        tools: [counted(world, 'pay', { needsApproval: true })],
      });
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.', handoffs: [deep] });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(inner)] }) };
    },
    script: {
      'I am Outer.': [call('ask_inner', { input: 'Hi' }), say('Done.')],
      'I am Inner.': [call('transfer_to_Deep')],
      'I am Deep.': [call('transfer_to_Deep'), call('pay'), call('pay'), say('Paid twice.')],
    },
  },
  {
    feature: 'Two agents as tools at once, one of which waits for an approval',
    status: 'works',
    agents: (world) => {
      const payer = new Agent({
        name: 'Payer',
        instructions: 'I am Payer.',
        tools: [counted(world, 'pay', { needsApproval: true })],
      });
      const finder = new Agent({ name: 'Finder', instructions: 'I am Finder.', tools: [counted(world, 'look_up')] });
      return {
        Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(payer), asTool(finder)] }),
      };
    },
    script: {
      'I am Outer.': [
        {
          calls: [
            { name: 'ask_payer', args: { input: 'Pay.' } },
            { name: 'ask_finder', args: { input: 'Find.' } },
          ],
        },
        say('Both.'),
      ],
      'I am Payer.': [call('pay'), say('Paid.')],
      'I am Finder.': [call('look_up'), say('Found.')],
    },
    parallel: true,
  },
  {
    feature: 'Approvals of `run()` in a tool, decided in code',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({
        name: 'Inner',
        instructions: 'I am Inner.',
        tools: [counted(world, 'pay', { needsApproval: true })],
      });
      const flow = toolOf('flow', async () => {
        let result = await run(inner, 'Pay.');
        while (result.interruptions.length > 0) {
          for (const item of result.interruptions) result.state.approve(item);
          result = await run(inner, result.state);
        }
        return result.finalOutput;
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [flow] }) };
    },
    script: { 'I am Outer.': [call('flow'), say('Done.')], 'I am Inner.': [call('pay'), say('Paid.')] },
  },
  {
    feature: 'A handoff and a tool, or two handoffs, in one answer',
    status: 'works',
    agents: (world) => {
      const desk = new Agent({ name: 'Desk', instructions: 'I am Desk.' });
      const seat = new Agent({ name: 'Seat', instructions: 'I am Seat.', handoffs: [desk] });
      return {
        Front: new Agent({
          name: 'Front',
          instructions: 'I am Front.',
          tools: [counted(world, 'look_up')],
          handoffs: [seat, desk],
        }),
      };
    },
    script: [
      { calls: [{ name: 'look_up' }, { name: 'transfer_to_Seat' }, { name: 'transfer_to_Desk' }] },
      say('One of them speaks.'),
    ],
  },
  {
    feature: 'Errors of the SDK that code catches around `run()` in a tool',
    status: 'works',
    note: 'Errors of a provider are a `ServiceError` there, with the `status` and `code` of the service, since several providers may have been asked.',
    agents: (world) => {
      const inner = new Agent({
        name: 'Inner',
        instructions: 'I am Inner.',
        tools: [counted(world, 'look_up')],
        modelSettings: { toolChoice: 'required' },
        resetToolChoice: false,
      });
      const flow = toolOf('flow', () =>
        run(inner, 'Loop.', { maxTurns: 2 }).catch((error) => `caught: ${error instanceof MaxTurnsExceededError}`),
      );
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [flow] }) };
    },
    script: { 'I am Outer.': [call('flow'), say('Done.')], 'I am Inner.': [call('look_up')] },
  },
  {
    feature: 'A guardrail that throws',
    status: 'works',
    agents: () => ({
      Guarded: new Agent({
        name: 'Guarded',
        instructions: 'Answer.',
        inputGuardrails: [
          { name: 'broken', runInParallel: false, execute: () => Promise.reject(new TypeError('broken')) },
        ],
      }),
    }),
    script: [say('Never said.')],
    fails: { sdk: 'GuardrailExecutionError', code: 'agent_error' },
  },
  {
    feature: 'Refusals of the model',
    status: 'works',
    note: 'The run fails with `model_refused`.',
    agents: () => ({ Helper: new Agent({ name: 'Helper', instructions: 'Help.' }) }),
    script: [
      {
        items: [
          {
            id: 'msg_#',
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'refusal', refusal: 'I cannot.' }],
          },
        ],
      },
    ],
    apis: ['responses'],
    fails: { sdk: 'ModelRefusalError', code: 'model_refused' },
  },
  {
    feature: 'Hooks of a `Runner` of one’s own in a tool (`runner.on`)',
    status: 'works',
    hooks: true,
    agents: ({ note }) => {
      const inner = new Agent({
        name: 'Inner',
        instructions: 'I am Inner.',
        tools: [toolOf('look_up', () => 'found')],
      });
      const flow = toolOf('flow', async () => {
        const runner = new Runner();
        runner.on('agent_start', (_context, agent) => note(`${agent.name} starts`));
        runner.on('agent_tool_end', (_context, _agent, { name }) => note(`${name} ends`));
        return (await runner.run(inner, 'Do it.')).finalOutput;
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [flow] }) };
    },
    script: { 'I am Outer.': [call('flow'), say('Done.')], 'I am Inner.': [call('look_up'), say('Inside.')] },
  },
  {
    feature: 'Chains of responses in code (`previousResponseId` in a tool’s own runs)',
    status: 'works',
    agents: () => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      const flow = toolOf('flow', async () => {
        const first = await run(inner, 'First.');
        return (await run(inner, 'Second.', { previousResponseId: first.lastResponseId })).finalOutput;
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [flow] }) };
    },
    script: { 'I am Outer.': [call('flow'), say('Done.')], 'I am Inner.': [say('Inside.')] },
    apis: ['responses'],
  },
  {
    feature: 'Tools with an output schema and custom data',
    status: 'works',
    agents: ({ note }) => {
      const shaped = tool({
        name: 'shaped',
        description: 'Has a shape.',
        parameters: none,
        outputSchema: z.object({ city: z.string() }),
        customDataExtractor: () => ({ internal: 1 }),
        execute: async () => {
          note('shaped');
          return { city: 'Rome' };
        },
      });
      return { Shaped: new Agent({ name: 'Shaped', instructions: 'Shape.', tools: [shaped] }) };
    },
    script: [call('shaped'), say('Shaped.')],
    apis: ['responses'],
  },
];
