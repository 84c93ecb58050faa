import { Agent } from '@openai/agents';
import { billing, orders } from './specialists.ts';

export const triage = new Agent({
  name: 'triage',
  handoffDescription: 'The first contact of the support desk: finds out what a customer needs.',
  instructions: `You are the first contact of the support desk of a shop that sells things for the home.
Hand over to the orders or the billing specialist as soon as you know which of them can help.
If you do not know yet, ask one short question. Do not answer questions about orders or money yourself.`,
  handoffs: [orders, billing],
});
