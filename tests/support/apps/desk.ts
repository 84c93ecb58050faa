/** Agents whose behaviour the tests decide through the fake provider. */
import { Agent, run as nestedRun, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

class OrderMissing extends Error {}

const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Looks up an order.',
  parameters: z.object({ order_id: z.string() }),
  execute: async ({ order_id }) => ({ order_id, status: 'shipped' }),
});

const breakDown = tool({
  name: 'break_down',
  description: 'Throws.',
  parameters: z.object({}),
  errorFunction: null,
  execute: async () => {
    throw new OrderMissing('secret cause 4711');
  },
});

const refund = tool({
  name: 'refund',
  description: 'Pays back.',
  parameters: z.object({ order_id: z.string() }),
  needsApproval: true,
  execute: async () => 'refunded',
});

const researcher = new Agent({ name: 'researcher', instructions: 'You are the researcher.' });

const askResearcher = tool({
  name: 'ask_researcher',
  description: 'Asks another agent, by a run of its own.',
  parameters: z.object({ question: z.string() }),
  execute: async ({ question }) => (await nestedRun(researcher, question)).finalOutput ?? '',
});

const orders = new Agent({
  name: 'orders',
  instructions: 'You are the orders agent.',
  tools: [lookupOrder, refund, breakDown],
});

const triage = new Agent({
  name: 'triage',
  instructions: 'You are the triage agent.',
  handoffs: [orders],
  tools: [
    lookupOrder,
    askResearcher,
    breakDown,
    refund,
    researcher.asTool({ toolName: 'research', toolDescription: 'Researches.' }),
  ],
});

const guarded = new Agent({
  name: 'guarded',
  instructions: 'You are guarded.',
  inputGuardrails: [
    {
      name: 'no-cards',
      runInParallel: false,
      execute: async ({ input }) => ({ tripwireTriggered: JSON.stringify(input).includes('card'), outputInfo: {} }),
    },
  ],
});

const typed = new Agent({
  name: 'typed',
  instructions: 'You answer in JSON.',
  outputType: z.object({ city: z.string() }),
});

await serve({ agents: { triage, orders, guarded, typed }, entry: 'triage' });
