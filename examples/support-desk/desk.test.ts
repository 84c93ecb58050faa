import { describe, expect, test } from 'vitest';
import { seedOrders } from './data.ts';
import { createDesk, DeskError } from './desk.ts';

const unknownOrder = new DeskError('There is no order 9999.');

describe('looking things up', () => {
  test('an order is found with its status, its items, the price of the goods, and the day it is expected', () => {
    expect(createDesk().lookUpOrder('1001')).toEqual({
      order: '1001',
      status: 'shipped',
      placedOn: '2026-03-02',
      items: ['2 × Lumen desk lamp', '4 × Warm-white bulb'],
      goods: '88.80 EUR',
      deliveryAddress: '4 Mill Lane, Easton',
      expectedOn: '2026-03-06',
    });
  });

  test('a parcel is tracked with its carrier and the place where it was last seen', () => {
    expect(createDesk().trackShipment('1004')).toMatchObject({ carrier: 'freight', lastSeen: 'depot, Westbury' });
  });

  test('an order that has not left the warehouse says so instead of a place', () => {
    expect(createDesk().trackShipment('1003')).toEqual({
      order: '1003',
      status: 'processing',
      note: 'It has not left the warehouse, so it cannot be tracked yet.',
    });
  });

  test('invoices come with their lines and totals', () => {
    expect(createDesk().listInvoices('1002').invoices).toEqual([
      {
        invoice: 'INV-5002',
        issuedOn: '2026-02-24',
        lines: ['Goods 42.00 EUR', 'Express delivery 9.90 EUR'],
        total: '51.90 EUR',
      },
    ]);
  });

  test('an order without an invoice says that none was issued yet', () => {
    expect(createDesk().listInvoices('1005')).toMatchObject({ invoices: [], note: 'No invoice has been issued yet.' });
  });

  test('two charges for one order are explained one by one and summed', () => {
    const { charges, total } = createDesk().explainCharge('1004');
    expect(charges).toEqual([
      '189.00 EUR by card on 2026-02-27 for the goods, charged when the order was placed',
      '39.00 EUR by card on 2026-03-01 for the freight, charged when the size was known',
    ]);
    expect(total).toBe('228.00 EUR');
  });

  test('an order number that does not exist is named in the error', () => {
    const desk = createDesk();
    for (const ask of [desk.lookUpOrder, desk.trackShipment, desk.listInvoices, desk.explainCharge, desk.cancelOrder]) {
      expect(() => ask('9999')).toThrow(unknownOrder);
    }
    expect(() => desk.changeDeliveryAddress('9999', '1 Some Street')).toThrow(unknownOrder);
    expect(() => desk.refund('9999', 'broken')).toThrow(unknownOrder);
  });
});

describe('changing an order', () => {
  test('a new address is kept, and giving it twice changes nothing', () => {
    const desk = createDesk();
    desk.changeDeliveryAddress('1003', '1 New Street, Easton');
    desk.changeDeliveryAddress('1003', '1 New Street, Easton');
    expect(desk.lookUpOrder('1003').deliveryAddress).toBe('1 New Street, Easton');
  });

  test('an order that has left the warehouse keeps its address', () => {
    const desk = createDesk();
    expect(() => desk.changeDeliveryAddress('1001', '1 New Street, Easton')).toThrow(/shipped/);
    expect(desk.lookUpOrder('1001').deliveryAddress).toBe('4 Mill Lane, Easton');
  });

  test('an order that is being processed can be cancelled, twice if need be', () => {
    const desk = createDesk();
    desk.cancelOrder('1008');
    expect(desk.cancelOrder('1008')).toEqual({ order: '1008', status: 'cancelled' });
  });

  test('a shipped or delivered order cannot be cancelled', () => {
    const desk = createDesk();
    expect(() => desk.cancelOrder('1001')).toThrow(/shipped/);
    expect(() => desk.cancelOrder('1002')).toThrow(/delivered/);
  });
});

describe('refunds', () => {
  test('a refund pays back everything that was paid, delivery included', () => {
    expect(createDesk().refund('1002', 'It arrived broken.')).toEqual({
      order: '1002',
      refund: 'REF-1002',
      amount: '51.90 EUR',
      reason: 'It arrived broken.',
    });
  });

  test('a refund that is requested again returns the first one, so that no customer is paid twice', () => {
    const desk = createDesk();
    const first = desk.refund('1004', 'Too large.');
    expect(desk.refund('1004', 'Too large, really.')).toEqual(first);
    expect(desk.explainCharge('1004').refunded).toBe('228.00 EUR');
  });

  test('what was never paid cannot be refunded', () => {
    expect(() => createDesk().refund('1008', 'Changed my mind.')).toThrow('Nothing was paid for order 1008 yet.');
  });
});

test('desks do not share their orders', () => {
  createDesk().cancelOrder('1003');
  expect(createDesk().lookUpOrder('1003').status).toBe('processing');
});

test('every invoice is covered by payments or still open, and every order number is given once', () => {
  const orders = seedOrders();
  expect(new Set(orders.map(({ number }) => number)).size).toBe(orders.length);
  for (const { invoices, payments } of orders) {
    const invoiced = invoices.flatMap(({ lines }) => lines).reduce((sum, { amountCents }) => sum + amountCents, 0);
    const paid = payments.reduce((sum, { amountCents }) => sum + amountCents, 0);
    if (invoices.length > 0 && payments.length > 0) expect(paid).toBe(invoiced);
  }
});
