import { tool } from '@openai/agents';
import { z } from 'zod';
import { createDesk, DeskError } from '../desk.ts';

// In memory, and so anew with every start; a real desk would ask the shop's database or its API.
const desk = createDesk();

const orderNumber = z
  .string()
  .regex(/^\d{4}$/)
  .describe('The order number, four digits, such as 1001');

/** The output for the model when a tool throws: the desk's own sentence, never the text of an unexpected error. */
const errorFunction = (_context: unknown, error: unknown): string =>
  error instanceof DeskError ? error.message : 'An error occurred while running the tool.';

export const lookupOrder = tool({
  name: 'lookup_order',
  description: 'Looks up an order: its status, its items and prices, and where it is delivered to.',
  parameters: z.object({ order_number: orderNumber }),
  errorFunction,
  execute: ({ order_number }) => desk.lookUpOrder(order_number),
});

export const trackShipment = tool({
  name: 'track_shipment',
  description: 'Tells where the parcel of an order is now, which carrier has it, and when it arrives.',
  parameters: z.object({ order_number: orderNumber }),
  errorFunction,
  execute: ({ order_number }) => desk.trackShipment(order_number),
});

export const changeDeliveryAddress = tool({
  name: 'change_delivery_address',
  description: 'Sends an order to another address. Works until the order has left the warehouse.',
  parameters: z.object({
    order_number: orderNumber,
    new_address: z.string().min(5).describe('The whole new address: street, number, town'),
  }),
  errorFunction,
  execute: ({ order_number, new_address }) => desk.changeDeliveryAddress(order_number, new_address),
});

export const cancelOrder = tool({
  name: 'cancel_order',
  description: 'Cancels an order. Works until the order has left the warehouse.',
  parameters: z.object({ order_number: orderNumber }),
  errorFunction,
  execute: ({ order_number }) => desk.cancelOrder(order_number),
});

export const listInvoices = tool({
  name: 'list_invoices',
  description: 'Lists the invoices of an order with their lines and totals.',
  parameters: z.object({ order_number: orderNumber }),
  errorFunction,
  execute: ({ order_number }) => desk.listInvoices(order_number),
});

export const explainCharge = tool({
  name: 'explain_charge',
  description: 'Explains why a customer was charged: each payment taken for an order, by which method, and what for.',
  parameters: z.object({ order_number: orderNumber }),
  errorFunction,
  execute: ({ order_number }) => desk.explainCharge(order_number),
});

export const refund = tool({
  name: 'refund',
  description: 'Pays back the money that was paid for an order. A person has to approve it.',
  parameters: z.object({
    order_number: orderNumber,
    reason: z.string().min(3).describe("Why, in the customer's words"),
  }),
  // The run stops here and goes on after a person has decided, even a week later and on another machine.
  needsApproval: true,
  errorFunction,
  execute: ({ order_number, reason }) => desk.refund(order_number, reason),
});
