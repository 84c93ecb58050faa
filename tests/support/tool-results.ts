/** Results of tools of every kind, and what an application and a model see of each. */
import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { type AgentInputItem, type FunctionTool, tool } from '@openai/agents';
import { z } from 'zod';

class Weather {
  city = 'Rome';
  wind = undefined;
}

class Money {
  cents = 1250;
  toJSON() {
    return { amount: '12.50' };
  }
  toString() {
    return '12.50 EUR';
  }
}

class Day {
  toJSON() {
    return '2024-02-29';
  }
}

const circular: Record<string, unknown> = { name: 'loop' };
circular.self = circular;

const bytes = new Uint8Array(5_000).map((_, index) => index % 251);
const base64 = Buffer.from(bytes).toString('base64');
const png = 'image/png';

/** Results by what they are. */
export const toolResults: [string, () => unknown][] = [
  ['text', () => 'sunny'],
  ['a number', () => 42],
  ['null', () => null],
  ['nothing', () => undefined],
  ['a boolean', () => false],
  ['not a number', () => Number.NaN],
  ['minus zero', () => -0],
  ['a big integer', () => 12345678901234567890n],
  ['a symbol', () => Symbol.for('weather')],
  ['a function', () => String],
  ['an object', () => ({ city: 'Rome', days: [1, null, { wet: true }] })],
  ['an undefined field', () => ({ city: 'Rome', wind: undefined })],
  ['odd numbers in an object', () => ({ nan: Number.NaN, zero: -0, far: Number.POSITIVE_INFINITY })],
  ['a big integer in an object', () => ({ id: 1n })],
  ['a date', () => new Date('2024-02-29T12:00:00Z')],
  ['a date in an object', () => ({ at: new Date('2024-02-29T12:00:00Z') })],
  ['a map', () => new Map([['city', 'Rome']])],
  ['a set in an object', () => ({ cities: new Set(['Rome']) })],
  ['a URL and an expression', () => ({ url: new URL('https://example.com/a'), match: /a/g })],
  ['an object of a class', () => new Weather()],
  ['objects of a class in a list', () => [new Weather(), new Weather()]],
  ['an object with a JSON of its own', () => new Money()],
  ['an object whose JSON is a text', () => new Day()],
  ['objects with JSON of their own in an object', () => ({ price: new Money(), day: new Day() })],
  ['a circular object', () => circular],
  ['a list with a hole', () => Object.assign(Array(3), { 0: 1, 2: 3 })],
  ['a key that the journal uses', () => ({ $type: 'date', value: 'x' })],
  ['another key that the journal uses', () => ({ $tool_output: 'x', value: 1 })],
  ['a field named __proto__', () => JSON.parse('{"__proto__":{"polluted":true}}')],
  ['bytes', () => bytes],
  ['a Buffer', () => Buffer.from('hello')],
  ['an array buffer', () => Uint8Array.from(bytes).buffer],
  ['no bytes', () => new Uint8Array()],
  ['bytes in an object', () => ({ name: 'a', content: bytes, again: Buffer.from(bytes) })],
  ['a picture of bytes', () => ({ type: 'image', image: { data: bytes, mediaType: png } })],
  [
    'a picture of a Buffer, with a detail',
    () => ({ type: 'image', detail: 'high', image: { data: Buffer.from(bytes), mediaType: png } }),
  ],
  ['a picture of bytes without a media type', () => ({ type: 'image', image: { data: bytes } })],
  ['a picture of bytes beside it', () => ({ type: 'image', data: bytes, mimeType: png })],
  ['a picture of no bytes', () => ({ type: 'image', image: { data: new Uint8Array(), mediaType: png } })],
  [
    'a picture of an array buffer',
    () => ({ type: 'image', image: { data: Uint8Array.from(bytes).buffer, mediaType: png } }),
  ],
  ['a picture in base64', () => ({ type: 'image', image: { data: base64, mediaType: png } })],
  ['a picture as a data URL', () => ({ type: 'image', image: `data:${png};base64,${base64}` })],
  ['a picture at a URL', () => ({ type: 'image', image: { url: 'https://example.com/a.png' }, detail: 'low' })],
  ['a picture by its id', () => ({ type: 'image', image: { fileId: 'file_1' } })],
  ['a file of bytes', () => ({ type: 'file', file: { data: bytes, mediaType: 'application/pdf', filename: 'a.pdf' } })],
  ['a file of bytes without a name', () => ({ type: 'file', file: { data: bytes, mediaType: 'application/pdf' } })],
  [
    'a file in base64',
    () => ({ type: 'file', file: { data: base64, mediaType: 'application/pdf', filename: 'a.pdf' } }),
  ],
  ['a file at a URL', () => ({ type: 'file', file: { url: 'https://example.com/a.pdf', filename: 'a.pdf' } })],
  ['a file by its id', () => ({ type: 'file', file: { id: 'file_1' }, providerData: { a: 1 } })],
  ['a file in the older form', () => ({ type: 'file', fileData: bytes, mediaType: 'text/csv', filename: 'a.csv' })],
  ['a text part', () => ({ type: 'text', text: 'sunny', providerData: { a: undefined } })],
  [
    'a list of parts',
    () => [
      { type: 'text', text: 'look' },
      { type: 'image', image: { data: bytes, mediaType: png } },
      { type: 'file', file: { data: Buffer.from(bytes), mediaType: 'application/pdf', filename: 'a.pdf' } },
    ],
  ],
  ['a list of parts and something else', () => [{ type: 'text', text: 'look' }, { type: 'other' }]],
  ['a list of nothing', () => []],
];

/** With which rows are large; the fewest, since tests look at all of them. */
const rowsCount = 4_500;
const rows = (more: (id: number) => object = () => ({})): object[] =>
  Array.from({ length: rowsCount }, (_, id) => ({ id, name: `row ${id}`, place: { city: 'Rome' }, ...more(id) }));
const longText = 'sunny "days" é\n'.repeat(50_000);

/** Results that are so large that they are worked on in pieces. */
export const largeToolResults: [string, () => unknown][] = [
  ['a long text', () => longText],
  ['a long text that is no Unicode', () => `${longText}\ud800`],
  ['rows', () => rows()],
  ['rows in an object', () => ({ count: rowsCount, rows: rows(), wind: undefined })],
  ['rows with dates', () => rows((id) => ({ at: new Date(id) }))],
  ['rows without some fields', () => rows((id) => ({ wind: id % 2 === 0 ? undefined : null }))],
  ['rows of a class', () => rows().map((row) => Object.assign(new Weather(), row))],
  ['rows with a JSON of their own', () => rows(() => ({ price: new Money() }))],
  ['rows with long texts', () => rows((id) => ({ text: id % 1_000 === 0 ? 'x'.repeat(5_000) : '' }))],
  ['the same rows twice', () => ((same) => ({ same, again: same }))(rows())],
  ['rows with keys that the journal uses', () => rows(() => ({ $type: 'date', value: 'x' }))],
  ['rows under a key that the journal uses', () => ({ $tool_output: 'x', value: rows() })],
  ['rows under __proto__', () => ({ rows: rows(), more: JSON.parse('{"__proto__":{"polluted":true}}') })],
  ['rows in a list with a hole', () => Object.assign(Array(3), { 0: rows(), 2: rows() })],
  ['rows in a map', () => new Map([['rows', rows()]])],
  ['lists in lists', () => rows().map((row) => [[row], []])],
  [
    'many levels',
    () => rows().reduce<object>((value, row, id) => (id % 20 === 0 ? { value, row, id } : value), rows()),
  ],
  ['the JSON of bytes', () => ({ rows: rows(), bytes: JSON.parse(JSON.stringify(Buffer.alloc(30_000, 7))) })],
  ['a picture in base64 beside rows', () => ({ rows: rows(), data: 'iVBORw0KGgo'.repeat(90_000), mediaType: png })],
  ['a file of bytes', () => ({ type: 'file', file: { data: Buffer.alloc(900_000, 7), mediaType: 'application/pdf' } })],
  ['a picture in base64', () => ({ type: 'image', image: { data: base64.repeat(100), mediaType: png } })],
  ['text parts', () => rows().map(() => ({ type: 'text', text: 'sunny' }))],
];

/** The same, of those that an application is not given again, or that cannot become JSON. */
export const oddLargeToolResults: [string, () => unknown][] = [
  ['rows that contain themselves', () => ((list: unknown[]) => [...list, { list }])(withItself(rows()))],
  ['rows with a big integer', () => rows((id) => ({ count: id === 4_000 ? 1n : 1 }))],
  ['rows with a getter that throws', () => [...rows(), throwing('wind')]],
  ['rows below more levels than are kept', () => [rows(), nested(700)]],
  ['rows of a proxy', () => new Proxy(rows(), {})],
  ['rows that say themselves what they are', () => Object.assign(rows(), { toJSON: () => 'rows' })],
];

function withItself(list: unknown[]): unknown[] {
  list.push(list);
  return list;
}

/** An object that throws when it is read in this way. */
const throwing = (key: PropertyKey, enumerable = true) =>
  Object.defineProperty({ city: 'Rome' }, key, {
    enumerable,
    get() {
      throw new Error('It cannot be read.');
    },
  });

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { value } : [value];
  return value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const unwilling = (): never => {
  throw new Error('It does not want to.');
};

/** A text for a model that is made by accessors, as classes of libraries make theirs. */
class TextPart {
  #text = 'sunny';
  get type() {
    return 'text';
  }
  get text() {
    return this.#text;
  }
}

class Picture {
  get mediaType() {
    return png;
  }
  get data() {
    return bytes;
  }
}

class PicturePart {
  type = 'image';
  get image() {
    return new Picture();
  }
}

class Rows extends Map<string, number> {
  total = 2;
  override [Symbol.iterator](): never {
    return unwilling();
  }
}

class Balance {
  #cents = 1250;
  toJSON() {
    return { cents: this.#cents };
  }
}

/**
 * Results of which an application cannot be given the same again, or which cannot become JSON. What the model is told of
 * them is what it is told with `run()`.
 */
export const oddToolResults: [string, () => unknown][] = [
  ['more levels than are kept', () => nested(700)],
  ['more levels than JSON can have', () => nested(20_000)],
  ['a list of many levels in a list', () => [nested(20_000)]],
  ['a getter that throws', () => throwing('wind')],
  ['a getter that throws, in a list', () => [1, throwing('wind')]],
  ['a toJSON that throws', () => ({ toJSON: unwilling })],
  ['a toJSON that cannot be read', () => ({ price: throwing('toJSON', false) })],
  [
    'a toJSON that returns itself',
    () => ({
      toJSON() {
        return this;
      },
    }),
  ],
  ['a toString that throws', () => ({ city: 'Rome', toString: unwilling })],
  [
    'a class whose toString throws',
    () =>
      new (class {
        city = 'Rome';
        toString = unwilling;
      })(),
  ],
  ['a conversion that throws', () => ({ city: 'Rome', [Symbol.toPrimitive]: unwilling })],
  ['an iterator that throws', () => ({ city: 'Rome', [Symbol.iterator]: unwilling })],
  ['a map of a class, whose iterator throws', () => new Rows([['Rome', 1]])],
  ['a revoked proxy', revoked],
  ['a revoked proxy in an object', () => ({ proxy: revoked() })],
  ['a revoked proxy in a map', () => new Map([['proxy', revoked()]])],
  ['a proxy that has no keys', () => new Proxy({}, { ownKeys: unwilling })],
  ['a proxy of a list', () => new Proxy([1, 2], {})],
  ['an object with private state', () => new Balance()],
  ['a map with a field', () => Object.assign(new Map([['a', 1]]), { total: 2 })],
  ['a map with a JSON of its own', () => Object.assign(new Map([['a', 1]]), { toJSON: () => ({ a: 1 }) })],
  ['a list with a JSON of its own', () => ({ list: Object.assign([1], { toJSON: () => 'one' }) })],
  ['a date with a JSON of its own', () => [Object.assign(new Date(0), { toJSON: () => 'the epoch' })]],
  ['bytes with a JSON of their own', () => [Object.assign(new Uint8Array([1]), { toJSON: () => ({ n: 1 }) })]],
  ['a text part of a class', () => new TextPart()],
  ['a picture of a class', () => new PicturePart()],
  ['a picture of a class in a part', () => ({ type: 'image', image: new Picture() })],
  ['text parts of a class in a list', () => [new TextPart(), { type: 'text', text: 'and dry' }]],
  ['a response', () => new Response('body')],
  ['a request', () => new Request('https://example.com/a')],
  ['headers', () => new Headers({ a: 'b' })],
  ['a form', () => new FormData()],
  ['a blob', () => new Blob(['a'], { type: 'image' })],
  ['a file', () => [new File(['a'], 'a.txt', { type: 'file' })]],
  ['an event', () => new Event('image')],
  ['a signal', () => AbortSignal.abort()],
  ['a stream', () => new ReadableStream()],
  [
    'a generator',
    () =>
      (function* () {
        yield 1;
      })(),
  ],
  ['a weak map', () => new WeakMap()],
  ['a class', () => Weather],
  [
    'an error with itself as its cause',
    () => {
      const error = new Error('loop');
      error.cause = error;
      return error;
    },
  ],
  ['the global object', () => globalThis],
  ['an emitter with a type', () => Object.assign(new EventEmitter(), { type: 'text', text: 'sunny' })],
];

const tried = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return (error as Error).name;
  }
};

/** What an application can tell of a value. */
export const lookAt = (value: unknown) => ({
  type: typeof value,
  tag: Object.prototype.toString.call(value),
  looks: inspect(value, { depth: 9, maxArrayLength: 4, maxStringLength: 100 }),
  text: tried(() => String(value)),
  json: tried(() => JSON.stringify(value)),
  keys: typeof value === 'object' && value !== null ? Object.keys(value).length : 0,
});

/** A tool named `look` that returns what `make` returns, and tells `see` what its output guardrail sees. */
export const lookTool = (make: () => unknown, see: (value: unknown) => void): FunctionTool =>
  tool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({}),
    execute: async () => make(),
    outputGuardrails: [
      {
        type: 'tool_output',
        name: 'see',
        run: async ({ output }) => {
          see(lookAt(output));
          return { behavior: { type: 'allow' } };
        },
      },
    ],
  }) as unknown as FunctionTool;

/** A tool named `look` that returns what `make` returns, and at which nobody looks but the SDK. */
export const plainLookTool = (make: () => unknown): FunctionTool =>
  tool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({}),
    execute: async () => make(),
  }) as unknown as FunctionTool;

/** The results of tools in a request, as a model is sent them. */
export const resultsIn = (items: readonly AgentInputItem[]): AgentInputItem[] =>
  items.filter(({ type }) => type === 'function_call_result');
