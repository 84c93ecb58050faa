import { Agent, MemorySession, Runner, run, withTrace } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { counted, toolOf } from './pieces.ts';

/** An agent that does nothing but call the tool `flow`, whose code is the app's. */
const entry = (flow: () => Promise<unknown>) => ({
  Entry: new Agent({
    name: 'Entry',
    instructions: 'I am Entry.',
    tools: [toolOf('flow', flow)],
    modelSettings: { toolChoice: 'flow' },
    toolUseBehavior: 'stop_on_first_tool',
  }),
});
const note = 'Code between runs stands in a tool that is forced, or in a workflow. Its runs are steps.';

/** Code of the app around several runs. */
export const flowCases: SdkCase[] = [
  {
    feature: '`run()` in a tool',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.', tools: [counted(world, 'look_up')] });
      return entry(async () => (await run(inner, 'Do it.')).finalOutput);
    },
    script: { 'I am Entry.': [call('flow')], 'I am Inner.': [call('look_up'), say('Inside.')] },
  },
  {
    feature: '`run()` in a tool, streamed',
    status: 'works',
    agents: ({ note: count }) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      return entry(async () => {
        const result = await run(inner, 'Do it.', { stream: true });
        for await (const event of result) if (event.type === 'agent_updated_stream_event') count('agent updated');
        await result.completed;
        return result.finalOutput;
      });
    },
    script: { 'I am Entry.': [call('flow')], 'I am Inner.': [say('Inside, in pieces.')] },
  },
  {
    feature: 'Steps in a fixed order, with a condition between them',
    status: 'how',
    note,
    agents: () => {
      const outline = new Agent({ name: 'Outline', instructions: 'I am Outline.' });
      const check = new Agent({
        name: 'Check',
        instructions: 'I am Check.',
        outputType: z.object({ good: z.boolean() }),
      });
      const story = new Agent({ name: 'Story', instructions: 'I am Story.' });
      return entry(async () => {
        const plan = await run(outline, 'A short story.');
        const checked = await run(check, plan.finalOutput ?? '');
        if (!checked.finalOutput?.good) return 'No story.';
        return (await run(story, plan.finalOutput ?? '')).finalOutput;
      });
    },
    script: {
      'I am Entry.': [call('flow')],
      'I am Outline.': [say('A dog, a cat.')],
      'I am Check.': [say('{"good":true}')],
      'I am Story.': [say('The dog met the cat.')],
    },
  },
  {
    feature: 'A judge that sends the work back until it is good',
    status: 'how',
    note,
    agents: () => {
      const writer = new Agent({ name: 'Writer', instructions: 'I am Writer.' });
      const judge = new Agent({
        name: 'Judge',
        instructions: 'I am Judge.',
        outputType: z.object({ feedback: z.string(), score: z.enum(['pass', 'again']) }),
      });
      return entry(async () => {
        let asked = 'Draft 1';
        for (let round = 1; ; round += 1) {
          const draft = await run(writer, asked);
          const verdict = await run(judge, `${asked}: ${draft.finalOutput}`);
          if (verdict.finalOutput?.score === 'pass' || round === 3) return `${draft.finalOutput} after ${round}`;
          asked = `Draft ${round + 1}`;
        }
      });
    },
    script: {
      'Draft 1: ': [say('{"feedback":"longer","score":"again"}')],
      'Draft 2: ': [say('{"feedback":"","score":"pass"}')],
      'I am Writer.': [say('Words.')],
      'I am Entry.': [call('flow')],
    },
  },
  {
    feature: 'Several runs at once (`Promise.all`)',
    status: 'how',
    note,
    agents: () => {
      const translator = new Agent({ name: 'Translator', instructions: 'I am Translator.' });
      const picker = new Agent({ name: 'Picker', instructions: 'I am Picker.' });
      return entry(async () => {
        const drafts = await Promise.all(['one', 'two', 'three'].map((draft) => run(translator, `Draft ${draft}`)));
        return (await run(picker, drafts.map(({ finalOutput }) => finalOutput).join('\n'))).finalOutput;
      });
    },
    script: {
      'I am Entry.': [call('flow')],
      'I am Picker.': [say('The second.')],
      'I am Translator.': [say('Hola.')],
    },
    parallel: true,
  },
  {
    feature: 'A `Runner` and a session of one’s own in a tool',
    status: 'works',
    agents: () => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      return entry(async () => {
        const runner = new Runner({ modelSettings: { temperature: 0 }, workflowName: 'mine' });
        const session = new MemorySession();
        await runner.run(inner, 'First.', { session });
        return (await runner.run(inner, 'Second.', { session, maxTurns: 2 })).finalOutput;
      });
    },
    script: { 'I am Entry.': [call('flow')], 'I am Inner.': [say('Inside.')] },
  },
  {
    feature: 'Traces of one’s own (`withTrace`)',
    status: 'how',
    note: 'The code runs. Traces are off unless `onStart` calls `setTracingDisabled(false)` and adds a processor.',
    agents: () => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.' });
      return entry(() => withTrace('mine', async () => (await run(inner, 'Do it.')).finalOutput));
    },
    script: { 'I am Entry.': [call('flow')], 'I am Inner.': [say('Inside.')] },
  },
];
