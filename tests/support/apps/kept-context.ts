/** An agent whose tools count in the run context, which its sessions keep; `KEEP=run` keeps it for a run only. */
import { Agent, type RunContext, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

type Facts = { visits: number; log?: string[] };

const note = tool({
  name: 'note',
  description: 'Notes in the context.',
  parameters: z.object({ text: z.string() }),
  execute: async ({ text }, run?: RunContext<unknown>) => {
    const facts = run?.context as Facts;
    facts.log = [...(facts.log ?? []), text];
    return JSON.stringify(facts);
  },
});
const pay = tool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({}),
  needsApproval: true,
  execute: () => 'paid',
});

await serve({
  agents: { clerk: new Agent({ name: 'clerk', instructions: 'You are a clerk.', tools: [note, pay] }) },
  context: {
    build: ({ previous }) => ({ ...previous, visits: Number(previous?.visits ?? 0) + 1 }),
    keep: process.env.KEEP === 'run' ? 'run' : 'session',
  },
});
