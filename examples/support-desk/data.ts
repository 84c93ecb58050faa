/** The shop's data when the desk opens. Money is in euro cents; days are ISO dates. */

export type OrderStatus = 'processing' | 'shipped' | 'delivered' | 'cancelled';

export type Item = { product: string; quantity: number; unitPriceCents: number };

export type Shipment = {
  carrier: 'parcel post' | 'express courier' | 'freight';
  trackingCode: string;
  lastSeen: string;
  expectedOn: string;
};

export type Invoice = { number: string; issuedOn: string; lines: { text: string; amountCents: number }[] };

export type Payment = {
  paidOn: string;
  method: 'card' | 'bank transfer' | 'voucher';
  amountCents: number;
  /** Why the payment was taken, in words for the customer. */
  reason: string;
};

export type Refund = { number: string; amountCents: number; reason: string };

export type Order = {
  number: string;
  customer: string;
  placedOn: string;
  status: OrderStatus;
  deliveryAddress: string;
  items: Item[];
  /** Null until the order leaves the warehouse. */
  shipment: Shipment | null;
  invoices: Invoice[];
  payments: Payment[];
  /** Null until the order is refunded; an order is refunded once, in full. */
  refund: Refund | null;
};

/** The orders of eight customers. */
const initialOrders: readonly Order[] = [
  {
    number: '1001',
    customer: 'customer-1@example.com',
    placedOn: '2026-03-02',
    status: 'shipped',
    deliveryAddress: '4 Mill Lane, Easton',
    items: [
      { product: 'Lumen desk lamp', quantity: 2, unitPriceCents: 3450 },
      { product: 'Warm-white bulb', quantity: 4, unitPriceCents: 495 },
    ],
    shipment: {
      carrier: 'parcel post',
      trackingCode: 'PP-48151',
      lastSeen: 'sorting centre, Northport',
      expectedOn: '2026-03-06',
    },
    invoices: [
      {
        number: 'INV-5001',
        issuedOn: '2026-03-02',
        lines: [
          { text: 'Goods', amountCents: 8880 },
          { text: 'Delivery', amountCents: 490 },
        ],
      },
    ],
    payments: [{ paidOn: '2026-03-02', method: 'card', amountCents: 9370, reason: 'the goods and their delivery' }],
    refund: null,
  },
  {
    number: '1002',
    customer: 'customer-2@example.com',
    placedOn: '2026-02-24',
    status: 'delivered',
    deliveryAddress: '18 Orchard Road, Westbury',
    items: [{ product: 'Stoneware teapot', quantity: 1, unitPriceCents: 4200 }],
    shipment: {
      carrier: 'express courier',
      trackingCode: 'XC-16234',
      lastSeen: 'handed over at the door',
      expectedOn: '2026-02-26',
    },
    invoices: [
      {
        number: 'INV-5002',
        issuedOn: '2026-02-24',
        lines: [
          { text: 'Goods', amountCents: 4200 },
          { text: 'Express delivery', amountCents: 990 },
        ],
      },
    ],
    payments: [{ paidOn: '2026-02-24', method: 'card', amountCents: 5190, reason: 'the goods and express delivery' }],
    refund: null,
  },
  {
    number: '1003',
    customer: 'customer-3@example.com',
    placedOn: '2026-03-04',
    status: 'processing',
    deliveryAddress: '7 Quay Street, Northport',
    items: [{ product: 'Folding garden chair', quantity: 6, unitPriceCents: 2990 }],
    shipment: null,
    invoices: [{ number: 'INV-5003', issuedOn: '2026-03-04', lines: [{ text: 'Goods', amountCents: 17940 }] }],
    payments: [{ paidOn: '2026-03-04', method: 'bank transfer', amountCents: 17940, reason: 'the goods' }],
    refund: null,
  },
  {
    number: '1004',
    customer: 'customer-4@example.com',
    placedOn: '2026-02-27',
    status: 'shipped',
    deliveryAddress: '2 Station Square, Easton',
    items: [{ product: 'Oak bookshelf', quantity: 1, unitPriceCents: 18900 }],
    shipment: {
      carrier: 'freight',
      trackingCode: 'FR-90077',
      lastSeen: 'depot, Westbury',
      expectedOn: '2026-03-09',
    },
    invoices: [
      {
        number: 'INV-5004',
        issuedOn: '2026-02-27',
        lines: [
          { text: 'Goods', amountCents: 18900 },
          { text: 'Freight', amountCents: 3900 },
        ],
      },
    ],
    payments: [
      {
        paidOn: '2026-02-27',
        method: 'card',
        amountCents: 18900,
        reason: 'the goods, charged when the order was placed',
      },
      {
        paidOn: '2026-03-01',
        method: 'card',
        amountCents: 3900,
        reason: 'the freight, charged when the size was known',
      },
    ],
    refund: null,
  },
  {
    number: '1005',
    customer: 'customer-5@example.com',
    placedOn: '2026-03-05',
    status: 'processing',
    deliveryAddress: '31 Church Hill, Westbury',
    items: [
      { product: 'Linen tablecloth', quantity: 1, unitPriceCents: 3900 },
      { product: 'Linen napkin', quantity: 8, unitPriceCents: 550 },
    ],
    shipment: null,
    invoices: [],
    payments: [
      { paidOn: '2026-03-05', method: 'voucher', amountCents: 8300, reason: 'the goods, with a gift voucher' },
    ],
    refund: null,
  },
  {
    number: '1006',
    customer: 'customer-6@example.com',
    placedOn: '2026-02-11',
    status: 'cancelled',
    deliveryAddress: '9 Harbour View, Northport',
    items: [{ product: 'Cast-iron pan', quantity: 1, unitPriceCents: 5600 }],
    shipment: null,
    invoices: [{ number: 'INV-5006', issuedOn: '2026-02-11', lines: [{ text: 'Goods', amountCents: 5600 }] }],
    payments: [{ paidOn: '2026-02-11', method: 'card', amountCents: 5600, reason: 'the goods' }],
    refund: { number: 'REF-1006', amountCents: 5600, reason: 'cancelled before it was sent' },
  },
  {
    number: '1007',
    customer: 'customer-7@example.com',
    placedOn: '2026-02-20',
    status: 'delivered',
    deliveryAddress: '55 Garden Row, Easton',
    items: [{ product: 'Bedside clock', quantity: 3, unitPriceCents: 2150 }],
    shipment: {
      carrier: 'parcel post',
      trackingCode: 'PP-47702',
      lastSeen: 'left with a neighbour at number 57',
      expectedOn: '2026-02-23',
    },
    invoices: [
      {
        number: 'INV-5007',
        issuedOn: '2026-02-20',
        lines: [
          { text: 'Goods', amountCents: 6450 },
          { text: 'Delivery', amountCents: 490 },
        ],
      },
    ],
    payments: [{ paidOn: '2026-02-20', method: 'card', amountCents: 6940, reason: 'the goods and their delivery' }],
    refund: null,
  },
  {
    number: '1008',
    customer: 'customer-8@example.com',
    placedOn: '2026-03-06',
    status: 'processing',
    deliveryAddress: '12 Tower Street, Northport',
    items: [{ product: 'Wool blanket', quantity: 2, unitPriceCents: 7400 }],
    shipment: null,
    invoices: [{ number: 'INV-5008', issuedOn: '2026-03-06', lines: [{ text: 'Goods', amountCents: 14800 }] }],
    payments: [],
    refund: null,
  },
];

/** The orders with which the desk opens. Each call gives copies of its own. */
export const seedOrders = (): Order[] => structuredClone([...initialOrders]);
