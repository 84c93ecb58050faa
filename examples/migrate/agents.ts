import { Agent, tool } from '@openai/agents';
import { z } from 'zod';

/** What tools and instructions know about the customer. */
export type Customer = { name: string; refunds?: string[] };

const refund = tool({
  name: 'refund',
  description: 'Refunds an order.',
  parameters: z.object({ order_id: z.string() }),
  needsApproval: true,
  execute: async ({ order_id }) => `Order ${order_id} is refunded.`,
});

export const desk = new Agent<Customer>({
  name: 'Desk',
  instructions: ({ context }) => `You help ${context.name} in one sentence.`,
  tools: [refund],
});
