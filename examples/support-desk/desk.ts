/** What a support desk can look up and do: ordinary code with ordinary tests, without any agent. */
import { type Order, type Refund, seedOrders } from './data.ts';

/** An error that the customer may read, such as an order number that does not exist. */
export class DeskError extends Error {
  override name = 'DeskError';
}

/** `9370` → `93.70 EUR` */
const euros = (cents: number) => `${(cents / 100).toFixed(2)} EUR`;

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

/** What was ordered, what it cost, and how far it is. */
const describeOrder = ({ number, status, placedOn, items, deliveryAddress, shipment }: Order) => ({
  order: number,
  status,
  placedOn,
  items: items.map(({ quantity, product }) => `${quantity} × ${product}`),
  goods: euros(sum(items.map(({ quantity, unitPriceCents }) => quantity * unitPriceCents))),
  deliveryAddress,
  expectedOn: shipment?.expectedOn ?? null,
});

function describeShipment({ number, status, shipment }: Order) {
  if (!shipment) return { order: number, status, note: 'It has not left the warehouse, so it cannot be tracked yet.' };
  return { order: number, status, ...shipment };
}

const describeInvoices = ({ number, invoices }: Order) => ({
  order: number,
  invoices: invoices.map((invoice) => ({
    invoice: invoice.number,
    issuedOn: invoice.issuedOn,
    lines: invoice.lines.map(({ text, amountCents }) => `${text} ${euros(amountCents)}`),
    total: euros(sum(invoice.lines.map(({ amountCents }) => amountCents))),
  })),
  note: invoices.length === 0 ? 'No invoice has been issued yet.' : null,
});

const describeCharges = ({ number, payments, refund }: Order) => ({
  order: number,
  charges: payments.map(
    ({ paidOn, method, amountCents, reason }) => `${euros(amountCents)} by ${method} on ${paidOn} for ${reason}`,
  ),
  total: euros(sum(payments.map(({ amountCents }) => amountCents))),
  refunded: refund ? euros(refund.amountCents) : null,
  note: payments.length === 0 ? 'Nothing has been charged yet.' : null,
});

/** Changes the address of an order that has not left the warehouse. */
function redirect(order: Order, newAddress: string) {
  if (order.status !== 'processing') {
    throw new DeskError(`Order ${order.number} is ${order.status}; its address can no longer be changed.`);
  }
  order.deliveryAddress = newAddress;
  return { order: order.number, deliveryAddress: newAddress };
}

/** Cancels an order that has not left the warehouse. */
function cancel(order: Order) {
  if (order.status === 'shipped' || order.status === 'delivered') {
    throw new DeskError(`Order ${order.number} is ${order.status}; it can be refunded but not cancelled.`);
  }
  order.status = 'cancelled';
  return { order: order.number, status: order.status };
}

/** Refunds an order unless it has been refunded. */
function refund(order: Order, reason: string) {
  const amountCents = sum(order.payments.map((payment) => payment.amountCents));
  if (amountCents === 0) throw new DeskError(`Nothing was paid for order ${order.number} yet.`);
  const made: Refund = order.refund ?? { number: `REF-${order.number}`, amountCents, reason };
  order.refund = made;
  return { order: order.number, refund: made.number, amount: euros(made.amountCents), reason: made.reason };
}

/**
 * A desk over the given orders, which it changes. Every function throws a `DeskError` for an order that does not
 * exist.
 */
export function createDesk(orders: Order[] = seedOrders()) {
  function find(orderNumber: string): Order {
    const order = orders.find(({ number }) => number === orderNumber);
    if (!order) throw new DeskError(`There is no order ${orderNumber}.`);
    return order;
  }

  return {
    /** What was ordered, what it cost, and how far it is. */
    lookUpOrder: (orderNumber: string) => describeOrder(find(orderNumber)),

    /** Where the parcel is and when it is expected. */
    trackShipment: (orderNumber: string) => describeShipment(find(orderNumber)),

    /** Sends an order to another address; possible until it leaves the warehouse. Doing it twice changes nothing. */
    changeDeliveryAddress: (orderNumber: string, newAddress: string) => redirect(find(orderNumber), newAddress),

    /** Cancels an order; possible until it leaves the warehouse. Doing it twice changes nothing. */
    cancelOrder: (orderNumber: string) => cancel(find(orderNumber)),

    /** The invoices of an order, with their lines. */
    listInvoices: (orderNumber: string) => describeInvoices(find(orderNumber)),

    /** Each payment that was taken for an order, and its reason. */
    explainCharge: (orderNumber: string) => describeCharges(find(orderNumber)),

    /** Pays back everything that was paid for an order. A second refund gives the first one again. */
    refund: (orderNumber: string, reason: string) => refund(find(orderNumber), reason),
  };
}
