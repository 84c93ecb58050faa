import type { JsonRecord } from '../port/index.ts';

/** Strings that databases, drivers and encodings have trouble with. */
export const strings = {
  empty: '',
  nul: 'a\u0000b',
  control: '\u0001\b\t\n\r\u001f\u007f\u2028\u2029',
  quotes: `'"\`\\ $1 ? :name -- /* */ ; drop table runs`,
  json: '"quoted"',
  openQuote: '"',
  array: '{a,NULL,"b"}',
  emoji: '👩‍🚀 𝒳 é é',
  loneHigh: 'a\ud800b',
  loneLow: 'a\udfffb',
  swapped: '\udc00\ud800',
};

/** Keys that objects treat in a way of their own. JSON.parse, since a literal would set the prototype. */
export const keys = JSON.parse(
  '{"__proto__":{"admin":true},"constructor":1,"toString":null,"":0,"2":"b","1":"a","a\\u0000b":[]}',
) as JsonRecord;

/** All of that in one value, deep and with numbers at their limits. */
export const values: JsonRecord = {
  ...strings,
  keys,
  deep: [[[[{ a: [null, true, false, 0, -1.5, 1e300, 9_007_199_254_740_991] }]]]],
};
