import { describe, expect, test } from 'vitest';
import { humanName, meaningfulStems, stem, wordsOf } from './words.ts';

describe('forms of one word have the same stem', () => {
  test.each([
    ['deliver', 'delivery', 'deliveries', 'delivered', 'delivering'],
    ['order', 'orders', 'ordered', 'Ordering'],
    ['ship', 'ships', 'shipped', 'shipping', 'shipment', 'shipments'],
    ['cancel', 'cancels', 'cancelled', 'cancelling', 'cancellation'],
    ['invoice', 'invoices', 'invoiced'],
    ['arrive', 'arrives', 'arrived', 'arrival'],
    ['charge', 'charged', 'charges'],
    ['pay', 'pays', 'paid', 'payment', 'payments'],
    ['translate', 'translates', 'translation', 'translator'],
    ['city', 'cities'],
    ['address', 'addresses'],
    ['bill', 'bills', 'billing'],
  ])('%s', (...forms) => {
    expect(new Set(forms.map(stem)).size, forms.map(stem).join(' ')).toBe(1);
  });
});

test('different words have different stems', () => {
  const words = [
    'order',
    'refund',
    'status',
    'weather',
    'need',
    'string',
    'class',
    'invoice',
    'charge',
    'track',
    'date',
  ];
  expect(new Set(words.map(stem)).size).toBe(words.length);
});

test('names in snake_case, kebab-case and camelCase are split into words', () => {
  expect(wordsOf('track_shipment')).toEqual(['track', 'shipment']);
  expect(wordsOf('get-weatherReport')).toEqual(['get', 'weather', 'report']);
  expect(humanName('newAddress')).toBe('new address');
});

test('grammar, courtesy and numbers have no meaning', () => {
  expect(meaningfulStems('Hello, could you please help me with 1001?')).toEqual(new Set());
  expect([...meaningfulStems('Please refund the order 1001')]).toEqual(['refund', 'order']);
});

test('words of other languages are recognised', () => {
  expect(wordsOf('Wo ist meine Größe 42?')).toEqual(['wo', 'ist', 'meine', 'größe', '42']);
});
