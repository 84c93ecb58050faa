/** The agents of the measurement: the bare server and the service run these very same ones. */
import { Agent, tool } from '@openai/agents';
import { z } from 'zod';

const model = 'gpt-4.1';

const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Looks up an order.',
  parameters: z.object({ order_id: z.string() }),
  execute: async ({ order_id }) => ({ order_id, status: 'shipped' }),
});

/** Answers at once. */
export const plain = new Agent({ name: 'plain', instructions: 'You are helpful.', model });

/** Calls its tool once, and then answers. */
export const tooled = new Agent({ name: 'tooled', instructions: 'You are helpful.', model, tools: [lookupOrder] });
