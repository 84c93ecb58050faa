import { Agent } from '@openai/agents';
import {
  cancelOrder,
  changeDeliveryAddress,
  explainCharge,
  listInvoices,
  lookupOrder,
  refund,
  trackShipment,
} from './tools.ts';

export const orders = new Agent({
  name: 'orders',
  handoffDescription:
    'Orders and their delivery: status, tracking a parcel, when it arrives, changing the address, cancelling.',
  instructions: `You look after the orders of a shop that sells things for the home.
Look a fact up before you state it. If the order number is missing, ask for it.
Change or cancel an order only when the customer asks for it, and say what you did.
Answer in two or three sentences.`,
  tools: [lookupOrder, trackShipment, changeDeliveryAddress, cancelOrder],
});

export const billing = new Agent({
  name: 'billing',
  handoffDescription:
    'Money: invoices, payments, why something was charged, and refunds of an order that arrived broken, late or not at all.',
  instructions: `You answer questions about money for a shop that sells things for the home.
Look a fact up before you state it. If the order number is missing, ask for it.
When the customer asks for a refund, call the refund tool with the reason in the customer's words: a person decides.
Give amounts with their currency. Answer in two or three sentences.`,
  tools: [listInvoices, explainCharge, refund],
});
