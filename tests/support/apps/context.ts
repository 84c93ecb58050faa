/** Agents whose tools show the run's context; `CONTEXT` names one that no other process could build again. */
import { Agent, type RunContext, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

class Pool {
  size = 3;
}

const cycle: Record<string, unknown> = {};
cycle.self = { cycle };

const unusable: Record<string, () => unknown> = {
  'an instance': () => new Pool(),
  'an instance inside': () => ({ db: { pool: new Pool() } }),
  'a function': () => ({ log: () => 'lost' }),
  'a date': () => ({ since: new Date(0) }),
  'a list': () => [],
  'a cycle': () => cycle,
  'not a number': () => ({ items: [1, Number.NaN] }),
  nothing: () => undefined,
  'a late instance': async () => ({ pool: new Pool() }),
  'an exception': () => {
    throw new Error('no context 4711');
  },
};

const showContext = tool({
  name: 'show_context',
  description: 'Shows the context of the run.',
  parameters: z.object({}),
  execute: async (_input, run?: RunContext<unknown>) => JSON.stringify(run?.context),
});

const first = new Agent({ name: 'first', instructions: 'You are the first.', tools: [showContext] });
const second = new Agent({ name: 'second', instructions: 'You are the second.', tools: [showContext] });

await serve({
  agents: { first, second },
  context: process.env.CONTEXT
    ? unusable[process.env.CONTEXT]
    : ({ runId, tenant, sessionId, metadata }) => ({ runId, tenant, sessionId, channel: metadata.channel, tries: [1] }),
});
