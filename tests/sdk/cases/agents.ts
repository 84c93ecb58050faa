import { Agent, OpenAIChatCompletionsModel } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { createStubModel, hasToolResult } from '../../support/stub-model.ts';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { counted, toolOf } from './pieces.ts';

/** Agents, their instructions, models, settings, outputs and hooks. */
export const agentCases: SdkCase[] = [
  {
    feature: 'An agent with instructions',
    status: 'works',
    agents: () => ({ Helper: new Agent({ name: 'Helper', instructions: 'Help in one sentence.' }) }),
    script: [say('Gladly, with one sentence.')],
    messages: ['Help me.', 'And once more.'],
  },
  {
    feature: 'Instructions as a function of the context',
    status: 'how',
    note: 'The option `context` builds the context of each run; a function of the run’s `metadata`, tenant and session.',
    agents: () => ({
      Greeter: new Agent<{ name: string }>({
        name: 'Greeter',
        instructions: async ({ context }, agent) => `${agent.name} greets ${context.name}.`,
      }),
    }),
    context: { name: 'Ada' },
    script: [say('Hello Ada.')],
  },
  {
    feature: 'Structured output by a zod schema, beside tools',
    status: 'works',
    note: 'The run’s `output` has the value, `response` its text.',
    agents: (world) => ({
      Calendar: new Agent({
        name: 'Calendar',
        instructions: 'Find the event.',
        tools: [counted(world, 'look_up')],
        outputType: z.object({ title: z.string(), guests: z.array(z.string()), place: z.string().nullable() }),
      }),
    }),
    script: [call('look_up'), say('{"title":"Lunch","guests":["Ada","Grace"],"place":null}')],
  },
  {
    feature: 'Structured output by a JSON schema',
    status: 'works',
    agents: () => ({
      Sums: new Agent({
        name: 'Sums',
        instructions: 'Add.',
        outputType: {
          type: 'json_schema',
          name: 'sum',
          strict: true,
          schema: {
            type: 'object',
            properties: { sum: { type: 'number' } },
            required: ['sum'],
            additionalProperties: false,
          },
        },
      }),
    }),
    script: [say('{"sum":3}')],
  },
  {
    feature: 'Output that breaks its schema',
    status: 'works',
    note: 'The run fails with `agent_error`, which says what was wrong.',
    agents: () => ({
      Count: new Agent({ name: 'Count', instructions: 'Count.', outputType: z.object({ n: z.number() }) }),
    }),
    script: [say('{"n":"one"}')],
    fails: { sdk: 'ModelBehaviorError', code: 'agent_error' },
  },
  {
    feature: 'Model settings: temperature, limits, storage, provider data',
    status: 'works',
    agents: (world) => ({
      Set: new Agent({
        name: 'Set',
        instructions: 'Be set.',
        model: 'gpt-4.1-mini',
        modelSettings: {
          temperature: 0.2,
          topP: 0.9,
          maxTokens: 100,
          store: false,
          parallelToolCalls: false,
          providerData: { metadata: { team: 'blue' } },
        },
        tools: [counted(world, 'look_up')],
      }),
    }),
    script: [call('look_up'), say('Set.')],
  },
  {
    feature: 'Reasoning models: effort, summaries, verbosity',
    status: 'works',
    agents: (world) => ({
      Thinker: new Agent({
        name: 'Thinker',
        instructions: 'Think.',
        model: 'gpt-5.1',
        modelSettings: { reasoning: { effort: 'low', summary: 'auto' }, text: { verbosity: 'low' } },
        tools: [counted(world, 'look_up')],
      }),
    }),
    script: [
      { ...call('look_up'), reasoning: 'I have to look it up.' },
      { ...say('Found.'), reasoning: 'Now I know.' },
    ],
    apis: ['responses'],
  },
  {
    feature: 'An agent without a model',
    status: 'how',
    note: '`OPENAI_MODEL` or `OPENAI_DEFAULT_MODEL` names it, else gpt-4.1; the SDK’s own default is another model. The start prints each agent’s model.',
    agents: () => ({ Plain: new Agent({ name: 'Plain' }) }),
    script: [say('Plain.')],
  },
  {
    feature: 'Stored prompts (`prompt`), fixed and as a function',
    status: 'works',
    agents: () => ({
      Stored: new Agent<{ city: string }>({
        name: 'Stored',
        prompt: async ({ context }) => ({ promptId: 'pmpt_1', version: '2', variables: { city: context.city } }),
      }),
    }),
    context: { city: 'Rome' },
    script: [say('From the prompt.')],
    apis: ['responses'],
  },
  {
    feature: 'Model instances: `OpenAIChatCompletionsModel`',
    status: 'works',
    note: 'Calls go to the client that the app made; steps are called by the name of its class.',
    agents: (world) => ({
      Own: new Agent({
        name: 'Own',
        instructions: 'Answer.',
        model: new OpenAIChatCompletionsModel(
          new OpenAI({ baseURL: world.modelUrl, apiKey: 'sk-own', maxRetries: 0 }),
          'own-model',
        ),
        tools: [counted(world, 'look_up')],
      }),
    }),
    script: [call('look_up'), say('By my own client.')],
    apis: ['chat_completions'],
  },
  {
    feature: 'Model instances: a class of one’s own',
    status: 'works',
    agents: (world) => ({
      Scripted: new Agent({
        name: 'Scripted',
        instructions: 'Answer.',
        model: createStubModel((request) =>
          hasToolResult(request) ? 'By a class of my own.' : [{ call: 'look_up', id: 'call_1' }],
        ).model,
        tools: [counted(world, 'look_up')],
      }),
    }),
    script: [],
  },
  {
    feature: 'Lifecycle hooks of agents (`agent.on`)',
    status: 'works',
    hooks: true,
    agents: (world) => {
      const agent = new Agent({
        name: 'Hooked',
        instructions: 'Work.',
        tools: [counted(world, 'look_up'), counted(world, 'pay', { needsApproval: true })],
      });
      agent.on('agent_start', () => world.note('agent_start'));
      agent.on('agent_end', () => world.note('agent_end'));
      agent.on('agent_tool_start', (_context, { name }) => world.note(`agent_tool_start ${name}`));
      agent.on('agent_tool_end', (_context, { name }) => world.note(`agent_tool_end ${name}`));
      return { Hooked: agent };
    },
    script: [call('look_up'), call('pay'), say('Worked.')],
  },
  {
    feature: 'Usage in the run context (`context.usage`)',
    status: 'works',
    agents: () => {
      const agent = new Agent({ name: 'Counter', instructions: 'Count.', tools: [toolOf('tokens', () => 'counted')] });
      return {
        Counter: agent.clone({
          instructions: ({ usage }) => `Count. ${usage.requests} requests and ${usage.totalTokens} tokens so far.`,
        }),
      };
    },
    script: [call('tokens'), say('Counted.')],
  },
  {
    feature: 'Context that tools write to',
    status: 'works',
    agents: (world) => ({
      Airline: new Agent({
        name: 'Airline',
        instructions: 'Book.',
        tools: [
          toolOf('book', (context) => {
            context.confirmation = 'ABC123';
            context.seats = [...((context.seats as string[]) ?? []), '12A'];
            return 'booked';
          }),
          counted(world, 'pay', { needsApproval: true }),
          toolOf('show', (context) => JSON.stringify(context)),
        ],
      }),
    }),
    context: { passenger: 'Ada' },
    script: [call('book'), call('pay'), call('show'), say('Shown.')],
  },
  {
    feature: 'Forced tools (`toolChoice`), reset after their use',
    status: 'works',
    agents: (world) => ({
      Forced: new Agent({
        name: 'Forced',
        instructions: 'Use it.',
        tools: [counted(world, 'look_up'), counted(world, 'other')],
        modelSettings: { toolChoice: 'look_up' },
      }),
    }),
    script: [call('look_up'), say('Used.')],
  },
  {
    feature: 'Too many turns',
    status: 'how',
    note: '`MAX_TURNS` or the option `runner` says how many; the run fails with `max_turns_exceeded`.',
    agents: (world) => ({
      Loop: new Agent({
        name: 'Loop',
        instructions: 'Again.',
        tools: [counted(world, 'look_up')],
        modelSettings: { toolChoice: 'required' },
        resetToolChoice: false,
      }),
    }),
    script: [call('look_up')],
    fails: { sdk: 'MaxTurnsExceededError', code: 'max_turns_exceeded' },
  },
];
