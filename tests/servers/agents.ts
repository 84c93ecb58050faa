/** The program that the service runs for real model servers: agents that a very small base model can play. */
import { Agent, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

/**
 * The model would make one call after the other without an end. More weight on its end-of-text token lets it end where
 * the example ends; the number is that of the token.
 */
const endsWithWeight = (weight: number) => ({ logit_bias: { 1: weight } });

const parameters = z.object({ order_number: z.string() });

const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Looks up an order.',
  parameters,
  execute: ({ order_number }) => `order ${order_number}, shipped`,
});

const trackShipment = tool({
  name: 'track_shipment',
  description: 'Tells where the parcel of an order is.',
  parameters,
  execute: ({ order_number }) => `parcel of order ${order_number}, arrives on 2026-03-03`,
});

const call = (name: string, order: string) =>
  `<tool_call>\n{"name": "${name}", "arguments": {"order_number": "${order}"}}\n</tool_call>`;

const orderExample = (order: string, state: string) => `Customer: Where is my order ${order}?
Support desk: ${call('lookup_order', order)}
Result: order ${order}, ${state}
Support desk: Your order ${order} is ${state}.`;

const parcelExample = (order: string, day: string) => `Customer: Where is my order ${order}?
Support desk: ${call('lookup_order', order)}
${call('track_shipment', order)}
Result: order ${order}, shipped
Result: parcel of order ${order}, arrives on ${day}
Support desk: Your order ${order} is shipped. It arrives on ${day}.`;

const facts = `Facts: Delivery takes three working days. An item can be returned within 30 days; write to us and we
send you a label. The shop is open from 9 to 17.`;

const modelSettings = { temperature: 0, maxTokens: 64 };

const front = new Agent({ name: 'front', instructions: facts, modelSettings });

const lost = new Agent({ name: 'lost', model: 'no-such-model', instructions: facts, modelSettings });

const sorter = new Agent({
  name: 'sorter',
  instructions: `Messages are sorted as here:

Customer: How long does delivery take?
Support desk: {"topic": "delivery", "urgent": false}

Customer: I need a label for the return at once!
Support desk: {"topic": "return", "urgent": true}`,
  outputType: z.object({ topic: z.enum(['delivery', 'return', 'other']), urgent: z.boolean() }),
  modelSettings,
});

/** As `sorter`, without an example: only the output type says that the answer is JSON. */
const unguided = sorter.clone({ name: 'unguided', instructions: facts });

/** It never comes to an end: its text has no line break, and no end. */
const endless = new Agent({
  name: 'endless',
  instructions: facts,
  modelSettings: { temperature: 0, providerData: { logit_bias: { 1: -100, 107: -100 } } },
});

/** It ends before its first word. */
const silent = new Agent({
  name: 'silent',
  instructions: facts,
  modelSettings: { ...modelSettings, providerData: endsWithWeight(100) },
});

/** Its answers are cut. */
const cut = new Agent({ name: 'cut', instructions: facts, modelSettings: { ...modelSettings, maxTokens: 5 } });

const orders = new Agent({
  name: 'orders',
  instructions: `Questions are answered as here:\n\n${orderExample('2002', 'shipped')}\n\n${orderExample('2003', 'packed')}`,
  tools: [lookupOrder],
  // The server then holds the model to the tool's schema; the SDK asks for it only until the tool was called.
  modelSettings: { ...modelSettings, toolChoice: 'required', providerData: endsWithWeight(9) },
});

/** Names the tool that is to be called, where others only say that one is. */
const named = orders.clone({ name: 'named', modelSettings: { ...modelSettings, toolChoice: 'lookup_order' } });

/** Its calls are cut within their arguments. */
const cutCall = orders.clone({ name: 'cutCall', modelSettings: { ...orders.modelSettings, maxTokens: 24 } });

const parcels = new Agent({
  name: 'parcels',
  instructions: `Questions are answered as here:\n\n${parcelExample('2002', '2026-03-05')}\n\n${parcelExample('2003', '2026-03-09')}`,
  tools: [lookupOrder, trackShipment],
  modelSettings: {
    ...modelSettings,
    maxTokens: 96,
    toolChoice: 'required',
    parallelToolCalls: true,
    providerData: endsWithWeight(8.5),
  },
});

await serve({ agents: { front, lost, sorter, unguided, endless, silent, cut, orders, named, cutCall, parcels } });
