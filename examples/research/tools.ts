import { tool } from '@openai/agents';
import { effect } from 'agent-service';
import { z } from 'zod';

const encyclopedia: Record<string, string> = {
  tea: 'Tea is made of the leaves of Camellia sinensis. It has been drunk in China for at least two thousand years.',
  coffee: 'Coffee is made of roasted seeds of plants of the genus Coffea, which come from Ethiopia.',
  water: 'Water covers 71 % of the surface of the Earth; 2.5 % of it is fresh.',
};

/** What an encyclopedia knows about the words of a query. */
export function find(query: string): string[] {
  const words = query.toLowerCase();
  return Object.entries(encyclopedia).flatMap(([topic, text]) => (words.includes(topic) ? [text] : []));
}

/** Looks up a query. It only reads: doing it again does no harm. */
export const lookUp = effect(
  tool({
    name: 'look_up',
    description: 'Looks up a query in an encyclopedia.',
    parameters: z.object({ query: z.string() }),
    execute: ({ query }) => find(query).join(' ') || 'Nothing is known about that.',
  }),
  'read',
);
