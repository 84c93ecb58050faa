import { Agent } from '@openai/agents';
import { z } from 'zod';
import { lookUp } from './tools.ts';

/** Thinks of what to search for. */
export const planner = new Agent({
  name: 'Planner',
  instructions: 'Think of the searches that answer the question best, at most five of them.',
  outputType: z.object({ searches: z.array(z.string()).min(1).max(5) }),
});

/** Answers one search. */
export const searcher = new Agent({
  name: 'Searcher',
  instructions: 'Look the question up, and sum up in three sentences what you have found.',
  tools: [lookUp],
});

/** Writes the report. */
export const writer = new Agent({
  name: 'Writer',
  instructions: 'Write a short report that answers the question, from these notes alone.',
});
