/** Workflows for tests: the shape of a research bot, and what compares their runs. */
import { Agent, type ModelRequest, run, tool } from '@openai/agents';
import { z } from 'zod';
import { effect, type WorkflowContext, workflow } from '../../src/agents/index.ts';
import { hasToolResult, itemsOf, type StubReply } from './stub-model.ts';

const plan = z.object({ searches: z.array(z.string()) });

/** The shape of a research bot: a plan, searches at the same time, a report; `note` is told of each search. */
export function research(note: (query: string) => void = () => {}) {
  const look = effect(
    tool({
      name: 'look',
      description: 'Looks up.',
      parameters: z.object({ query: z.string() }),
      execute: ({ query }) => {
        note(query);
        return `found ${query}`;
      },
    }),
    'idempotent',
  );
  const planner = new Agent({ name: 'Planner', instructions: 'plan', outputType: plan });
  const searcher = new Agent({ name: 'Searcher', instructions: 'search', tools: [look] });
  const writer = new Agent({ name: 'Writer', instructions: 'write' });
  return async (start: typeof run, input: string): Promise<string> => {
    const { finalOutput } = await start(planner, `Plan: ${input}`);
    const searches = finalOutput?.searches ?? [];
    const found = await Promise.all(
      searches.map(async (query) => {
        try {
          return (await start(searcher, query)).finalOutput;
        } catch {
          return `nothing for ${query}`;
        }
      }),
    );
    return (await start(writer, found.join('; '))).finalOutput ?? '';
  };
}

/** The text of the first item of a request. */
export const firstTextOf = (request: ModelRequest): string => {
  const [first] = itemsOf(request);
  return first && 'content' in first && typeof first.content === 'string' ? first.content : '';
};

/** A model for it: one of the three searches fails. */
export function researchReply(request: ModelRequest): StubReply {
  switch (request.systemInstructions) {
    case 'plan':
      return JSON.stringify({ searches: ['a', 'b', 'c'] });
    case 'search': {
      const query = firstTextOf(request);
      if (query === 'c') throw new Error('no c today');
      return hasToolResult(request) ? `about ${query}` : [{ call: 'look', args: { query }, id: `look_${query}` }];
    }
    default:
      return `Report of ${firstTextOf(request)}`;
  }
}

/** Resolves after so many ticks of the event loop. */
export const ticks = async (count: number) => {
  for (let tick = 0; tick < count; tick += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** As `researchReply`, after some ticks, so that the journal is written between answers. */
export function slowly() {
  let asked = 0;
  return async (request: ModelRequest): Promise<StubReply> => {
    asked += 1;
    await ticks((asked % 6) * 3);
    return researchReply(request);
  };
}

/** What it answers with that model. */
export const report = 'Report of about a; about b; nothing for c';
/** It as a workflow. */
export const researchWorkflow = (note?: (query: string) => void) => {
  const code = research(note);
  return workflow(({ input }) => code(run, input.text));
};

/** The text that the events of a run show. */
export const joined = (events: { type: string; delta?: unknown }[]) =>
  events.map(({ type, delta }) => (type === 'text.delta' ? delta : '')).join('');

/** A step without options. */
export const step = <T>(ctx: WorkflowContext, name: string, code: () => T | Promise<T>) => ctx.step(name, code);
