import { Agent, handoff } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { asTool, counted } from './pieces.ts';

const speaker = (name: string) =>
  new Agent({ name, instructions: `I am ${name}.`, handoffDescription: `Knows ${name}.` });

/** Handoffs, and agents as tools. */
export const handoffCases: SdkCase[] = [
  {
    feature: 'Handoffs, there and back',
    status: 'works',
    agents: (world) => {
      const front = new Agent({ name: 'Front', instructions: 'I am Front.' });
      const desk = new Agent({
        name: 'Desk',
        instructions: 'I am Desk.',
        tools: [counted(world, 'look_up')],
        handoffs: [front],
      });
      front.handoffs = [desk];
      return { Front: front, Desk: desk };
    },
    script: [call('transfer_to_Desk'), call('look_up'), call('transfer_to_Front'), say('Front speaks again.')],
  },
  {
    feature: 'Handoffs with text before them, streamed',
    status: 'works',
    agents: () => ({ Front: new Agent({ name: 'Front', instructions: 'I am Front.', handoffs: [speaker('Desk')] }) }),
    script: [{ ...call('transfer_to_Desk'), text: 'I will connect you.' }, say('Desk speaks, and says a little more.')],
  },
  {
    feature: '`handoff()`: input type, name, description, `inputFilter`',
    status: 'works',
    agents: (world) => {
      const filtered = handoff(speaker('Desk'), {
        toolNameOverride: 'escalate',
        toolDescriptionOverride: 'Escalates.',
        inputType: z.object({ reason: z.string() }),
        onHandoff: () => {},
        inputFilter: (data) => ({
          ...data,
          newItems: [],
          preHandoffItems: data.preHandoffItems.filter(({ type }) => type === 'message_output_item'),
        }),
      });
      return {
        Front: new Agent({
          name: 'Front',
          instructions: 'I am Front.',
          tools: [counted(world, 'look_up')],
          handoffs: [filtered],
        }),
      };
    },
    script: {
      'I am Front.': [call('look_up'), call('escalate', { reason: 'angry' })],
      'I am Desk.': [say('Desk speaks.')],
    },
  },
  {
    feature: '`handoff()`: `isEnabled` by the context',
    status: 'works',
    agents: () => {
      const vip = handoff(speaker('Vip'), {
        isEnabled: ({ runContext }) => (runContext.context as { vip: boolean }).vip,
      });
      return {
        Front: new Agent<{ vip: boolean }>({
          name: 'Front',
          instructions: 'I am Front.',
          handoffs: [vip, speaker('Desk')],
        }),
      };
    },
    context: { vip: false },
    script: [call('transfer_to_Desk'), say('Desk speaks.')],
  },
  {
    feature: '`handoff()`: `onHandoff` that acts, with an approval after it',
    status: 'works',
    note: 'Its call is a step. `effect(handoff(…), …)` says what a repeated call means, if the process dies in the middle of it.',
    hooks: true,
    agents: (world) => {
      const desk = new Agent({
        name: 'Desk',
        instructions: 'I am Desk.',
        tools: [counted(world, 'pay', { needsApproval: true })],
      });
      desk.on('agent_start', () => world.note('Desk starts'));
      const mailing = handoff(desk, {
        inputType: z.object({ reason: z.string() }),
        onHandoff: async (_context, input) => world.note(`mail: ${input?.reason}`),
      });
      const counting = {
        name: 'counting',
        execute: async () => {
          world.note('input guardrail');
          return { tripwireTriggered: false, outputInfo: null };
        },
      };
      return {
        Front: new Agent({
          name: 'Front',
          instructions: 'I am Front.',
          handoffs: [mailing],
          inputGuardrails: [counting],
        }),
      };
    },
    script: [call('transfer_to_Desk', { reason: 'refund' }), call('pay'), say('Paid.')],
  },
  {
    feature: 'Handoffs between agents of different output types (`Agent.create`)',
    status: 'works',
    agents: () => {
      const judge = new Agent({
        name: 'Judge',
        instructions: 'I am Judge.',
        outputType: z.object({ guilty: z.boolean() }),
      });
      return { Front: Agent.create({ name: 'Front', instructions: 'I am Front.', handoffs: [judge] }) };
    },
    script: [call('transfer_to_Judge'), say('{"guilty":false}')],
  },
  {
    feature: 'Going on with the agent that spoke last (`lastAgent`)',
    status: 'how',
    note: '`sessions: { continueWith: "last_agent" }`; by default a session begins at the entry agent again. A request may name any agent that `GET /api/v1/agents` lists.',
    agents: () => ({
      Triage: new Agent({ name: 'Triage', instructions: 'I am Triage.', handoffs: [speaker('Seat')] }),
    }),
    messages: ['My seat.', 'And now?'],
    lastAgent: true,
    options: { sessions: { continueWith: 'last_agent' } },
    script: { 'My seat.': [call('transfer_to_Seat'), say('Seat speaks.')], 'And now?': [say('Still me.')] },
  },
  {
    feature: 'Agents as tools',
    status: 'works',
    note: 'Their text is no text of the run.',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.', tools: [counted(world, 'look_up')] });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(inner)] }) };
    },
    script: {
      'I am Outer.': [call('ask_inner', { input: 'What is it?' }), say('It is done.')],
      'I am Inner.': [call('look_up'), say('Found inside.')],
    },
  },
  {
    feature: 'Agents as tools: two at once',
    status: 'works',
    agents: (world) => {
      const spanish = new Agent({ name: 'Spanish', instructions: 'Translate to Spanish.' });
      const french = new Agent({
        name: 'French',
        instructions: 'Translate to French.',
        tools: [counted(world, 'dictionary')],
      });
      return {
        Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(spanish), asTool(french)] }),
      };
    },
    script: {
      'I am Outer.': [
        {
          calls: [
            { name: 'ask_spanish', args: { input: 'Hi' } },
            { name: 'ask_french', args: { input: 'Hi' } },
          ],
        },
        say('Hola and salut.'),
      ],
      Spanish: [say('Hola')],
      French: [call('dictionary'), say('Salut')],
    },
    parallel: true,
  },
  {
    feature: 'Agents as tools: parameters, output extractor, `isEnabled`, run options',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.', tools: [counted(world, 'look_up')] });
      const shaped = inner.asTool({
        toolName: 'translate',
        toolDescription: 'Translates.',
        parameters: z.object({ text: z.string(), to: z.string() }),
        includeInputSchema: true,
        runOptions: { maxTurns: 3 },
        customOutputExtractor: ({ finalOutput, newItems }) => `${newItems.length} items, then ${finalOutput}`,
      });
      const off = inner.asTool({ toolName: 'off', toolDescription: 'Is off.', isEnabled: false });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [shaped, off] }) };
    },
    script: {
      'I am Outer.': [call('translate', { text: 'Hi', to: 'Spanish' }), say('Hola.')],
      'I am Inner.': [call('look_up'), say('Hola')],
    },
  },
  {
    feature: 'Agents as tools: `onStream`',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      const streamed = inner.asTool({
        toolName: 'ask_inner',
        toolDescription: 'Asks Inner.',
        onStream: ({ event }) => {
          if (event.type === 'agent_updated_stream_event') world.note('agent updated');
        },
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [streamed] }) };
    },
    script: { 'I am Outer.': [call('ask_inner', { input: 'Hi' }), say('Done.')], 'I am Inner.': [say('Inside.')] },
  },
  {
    feature: 'Agents as tools, three deep, with a structured answer',
    status: 'works',
    agents: (world) => {
      const third = new Agent({
        name: 'Third',
        instructions: 'I am Third.',
        tools: [counted(world, 'look_up')],
        outputType: z.object({ found: z.number() }),
      });
      const second = new Agent({ name: 'Second', instructions: 'I am Second.', tools: [asTool(third)] });
      return { First: new Agent({ name: 'First', instructions: 'I am First.', tools: [asTool(second)] }) };
    },
    script: {
      'I am First.': [call('ask_second', { input: 'a' }), say('Done.')],
      'I am Second.': [call('ask_third', { input: 'b' }), say('Second.')],
      'I am Third.': [call('look_up'), say('{"found":3}')],
    },
  },
];
