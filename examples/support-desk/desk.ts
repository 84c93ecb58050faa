/** What a support desk can look up and do. No agent in sight: this is ordinary code with ordinary tests. */
import { type Order, type Refund, seedOrders } from './data.ts';

/** Something the customer can be told, such as an order number that does not exist. */
export class DeskError extends Error {
  override name = 'DeskError';
}

/** `9370` → `93.70 EUR` */
const euros = (cents: number) => `${(cents / 100).toFixed(2)} EUR`;

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

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
    lookUpOrder(orderNumber: string) {
      const { number, status, placedOn, items, deliveryAddress, shipment } = find(orderNumber);
      return {
        order: number,
        status,
        placedOn,
        items: items.map(({ quantity, product }) => `${quantity} × ${product}`),
        goods: euros(sum(items.map(({ quantity, unitPriceCents }) => quantity * unitPriceCents))),
        deliveryAddress,
        expectedOn: shipment?.expectedOn ?? null,
      };
    },

    /** Where the parcel is and when it is expected. */
    trackShipment(orderNumber: string) {
      const { number, status, shipment } = find(orderNumber);
      if (!shipment)
        return { order: number, status, note: 'It has not left the warehouse, so it cannot be tracked yet.' };
      return { order: number, status, ...shipment };
    },

    /** Sends an order elsewhere; possible until it leaves the warehouse. Doing it twice changes nothing. */
    changeDeliveryAddress(orderNumber: string, newAddress: string) {
      const order = find(orderNumber);
      if (order.status !== 'processing') {
        throw new DeskError(`Order ${orderNumber} is ${order.status}; its address can no longer be changed.`);
      }
      order.deliveryAddress = newAddress;
      return { order: orderNumber, deliveryAddress: newAddress };
    },

    /** Calls an order off; possible until it leaves the warehouse. Doing it twice changes nothing. */
    cancelOrder(orderNumber: string) {
      const order = find(orderNumber);
      if (order.status === 'shipped' || order.status === 'delivered') {
        throw new DeskError(`Order ${orderNumber} is ${order.status}; it can be refunded but not cancelled.`);
      }
      order.status = 'cancelled';
      return { order: orderNumber, status: order.status };
    },

    /** The invoices of an order, with their lines. */
    listInvoices(orderNumber: string) {
      const { number, invoices } = find(orderNumber);
      return {
        order: number,
        invoices: invoices.map((invoice) => ({
          invoice: invoice.number,
          issuedOn: invoice.issuedOn,
          lines: invoice.lines.map(({ text, amountCents }) => `${text} ${euros(amountCents)}`),
          total: euros(sum(invoice.lines.map(({ amountCents }) => amountCents))),
        })),
        note: invoices.length === 0 ? 'No invoice has been issued yet.' : null,
      };
    },

    /** Each payment that was taken for an order, and what for. */
    explainCharge(orderNumber: string) {
      const { number, payments, refund } = find(orderNumber);
      return {
        order: number,
        charges: payments.map(
          ({ paidOn, method, amountCents, reason }) => `${euros(amountCents)} by ${method} on ${paidOn} for ${reason}`,
        ),
        total: euros(sum(payments.map(({ amountCents }) => amountCents))),
        refunded: refund ? euros(refund.amountCents) : null,
        note: payments.length === 0 ? 'Nothing has been charged yet.' : null,
      };
    },

    /** Pays everything back that was paid for an order. A second refund gives the first one again. */
    refund(orderNumber: string, reason: string) {
      const order = find(orderNumber);
      const amountCents = sum(order.payments.map((payment) => payment.amountCents));
      if (amountCents === 0) throw new DeskError(`Nothing was paid for order ${orderNumber} yet.`);
      const refund: Refund = order.refund ?? { number: `REF-${orderNumber}`, amountCents, reason };
      order.refund = refund;
      return { order: orderNumber, refund: refund.number, amount: euros(refund.amountCents), reason: refund.reason };
    },
  };
}
