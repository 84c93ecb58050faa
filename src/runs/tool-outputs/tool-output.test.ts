import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonText, toOutputText } from '../../storage/port/index.ts';
import { recalledOutput, recordOutput, shownOutput } from './tool-output.ts';

const bytesMax = 1_000_000;
const record = (value: unknown, max = bytesMax) => recordOutput(value, { tool: 'look', bytesMax: max });
/** What the SDK receives of a value, after the journal's JSON has been to the store. */
const recall = (value: unknown) => recalledOutput(JSON.parse(JSON.stringify(record(value))));

class Weather {
  city = 'Rome';
  wind = undefined;
  get label() {
    return `Weather of ${this.city}`;
  }
  toString() {
    return 'sunny';
  }
}

class Money {
  cents = 1250;
  toJSON() {
    return { amount: '12.50' };
  }
}

const circular: Record<string, unknown> = { name: 'loop' };
circular.self = circular;
const shared = { n: 1 };

describe('a tool’s result keeps its type over the journal', () => {
  const same: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['text', 'hello'],
    ['not a number', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
    ['minus zero', -0],
    ['a big integer', 12345678901234567890n],
    ['a symbol of the registry', Symbol.for('x')],
    ['a date', new Date('2024-02-29T12:00:00.123Z')],
    ['a date that is none', new Date(Number.NaN)],
    [
      'a map',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Set([1n, undefined])],
      ]),
    ],
    ['a regular expression', /a(b)?/giu],
    ['a URL', new URL('https://example.com/a?b=c#d')],
    ['a boxed number', Object(1)],
    ['an object with an undefined field', { city: 'Rome', wind: undefined }],
    ['a list with a hole', Object.assign(Array(3), { 0: 1, 2: 3 })],
    ['a key that the journal uses', { $type: 'date', value: 'x', $tool_output: 'y' }],
    ['a key that the journal uses, in front', { $tool_output: 'y', refused: {} }],
    ['a field named __proto__', JSON.parse('{"__proto__":{"polluted":true},"at":1}')],
    ['bytes', new Uint8Array([1, 2, 255])],
    ['no bytes', new Uint8Array()],
    ['a Buffer', Buffer.from('hello')],
    ['floats', new Float64Array([1.5, Number.NaN])],
    ['an array buffer', new Uint8Array([7, 8]).buffer],
    ['a shared array buffer', new SharedArrayBuffer(3)],
    ['a view on a part of a buffer', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
    ['an error', new RangeError('too far', { cause: { code: 7 } })],
    ['an error with fields', Object.assign(new Error('no'), { code: 'E_NO', at: new Date(0) })],
    ['a circular object', circular],
    ['text with a lone surrogate', { text: '\ud800\u0000' }],
  ];

  test.each(same)('%s', (_, value) => {
    const recalled = recall(value);
    expect(recalled).toStrictEqual(value);
    expect(Object.prototype.toString.call(recalled)).toBe(Object.prototype.toString.call(value));
  });

  test('whatever it is made of', () => {
    const all = { withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true };
    const values = fc.anything({ ...all, withSparseArray: true, withBoxedValues: true, maxDepth: 4 });
    fc.assert(
      fc.property(values, (value) => {
        expect(recall(value)).toStrictEqual(value);
      }),
    );
  });

  test('an object that is there twice is one object', () => {
    const [one, two] = recall([shared, shared, new Date(0)]) as object[];
    expect(one).toBe(two);
    const data = new Uint8Array(3_000);
    expect((record([data, data]) as JsonText).text.length).toBeLessThan(4_500);
  });

  test('an object of a class keeps its fields and its text, and says what it does not keep', () => {
    const [weather, other] = recall([new Weather(), new Weather()]) as Weather[];
    expect({ ...weather }).toStrictEqual({ city: 'Rome', wind: undefined });
    expect([`${weather}`, weather?.constructor.name, JSON.stringify(weather)]).toEqual([
      'sunny',
      'Weather',
      '{"city":"Rome"}',
    ]);
    expect(() => weather?.label).toThrow('Weather.label of a tool’s result was read');
    expect(Object.getPrototypeOf(weather)).toBe(Object.getPrototypeOf(other));
  });

  test('an object that says itself what its JSON is keeps that beside its fields', () => {
    const money = recall(new Money()) as Money;
    expect([money.cents, JSON.stringify(money), JSON.stringify([money])]).toEqual([
      1250,
      '{"amount":"12.50"}',
      '[{"amount":"12.50"}]',
    ]);
  });

  test('a function keeps its text, and says that it cannot be called', () => {
    const result = recall({ act: () => 1, at: 2 }) as { act(): void };
    expect(JSON.stringify(result)).toBe('{"at":2}');
    expect(() => result.act()).toThrow('A function in a tool’s result was called');
    const work = () => 'x';
    expect(String(recall(work))).toBe(String(work));
  });

  test('a getter that throws throws again', () => {
    const broken = Object.defineProperty({ at: 1 }, 'broken', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    const result = recall(broken) as { at: number; broken: unknown };
    expect(result.at).toBe(1);
    expect(() => result.broken).toThrow('could not be read');
  });

  test('what cannot be looked at is its text', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(recall({ proxy })).toBe('[object with circular references]');
  });
});

describe('a recorded result', () => {
  test.each([
    ['an object', { a: [1, 'x', null] }],
    ['text', 'x'.repeat(5_000)],
    ['a number', 0.5],
  ])('is its JSON if that says all of it: %s', (_, value) => {
    expect(JSON.stringify(record(value))).toBe(JSON.stringify(value));
    expect(shownOutput(record(value))).toEqual(value);
  });

  test('has a text without the data of its pictures', () => {
    const data = Buffer.alloc(3_000, 7).toString('base64');
    const text = (value: unknown) => toOutputText(record(value));
    expect(text({ type: 'image', image: `data:image/png;base64,${data}` })).toBe(
      '{"type":"image","image":"[image/png, 3000 bytes]"}',
    );
    expect(text({ type: 'image', image: { data, mediaType: 'image/png' } })).toBe(
      '{"type":"image","image":{"data":"[image/png, 3000 bytes]","mediaType":"image/png"}}',
    );
    const screenshot = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(3_000)]);
    expect(text(screenshot.toString('base64'))).toMatch(/^\[image\/png, 30\d\d bytes\]$/);
    expect(recall(screenshot.toString('base64'))).toBe(screenshot.toString('base64'));
    const bytes = Buffer.from(data, 'base64');
    expect(text([{ type: 'file', file: { data: bytes, mediaType: 'application/pdf', filename: 'a.pdf' } }])).toMatch(
      /^\[\{"type":"file","file":\{"data":"\[byte array 0x07 .* … \(3000 bytes\)\]","mediaType":"application\/pdf","filename":"a.pdf"\}\}\]$/,
    );
  });

  test('is refused if it is too large, with the tool, the size and the limit', () => {
    for (const value of ['é'.repeat(60), new Uint8Array(90), Array.from({ length: 60 }, () => undefined)]) {
      const refused = record(value, 100);
      expect(() => recalledOutput(refused)).toThrow(
        /^The tool "look" returned (at least )?\d+ bytes; 100 bytes are the most \(TOOL_OUTPUT_MAX_BYTES\)\.$/,
      );
      expect(toOutputText(refused)).toMatch(/^\[The result had .* and was not kept/);
    }
  });

  test('that is nested too deeply to be kept is the text that the SDK tells a model of it', () => {
    const nested = (levels: number) => {
      let deep: unknown = 1;
      for (let level = 0; level < levels; level += 1) deep = [deep];
      return deep;
    };
    expect(recall(nested(500))).toEqual(nested(500));
    expect(recall(nested(501))).toBe(JSON.stringify(nested(501)));
    expect(recall(nested(100_000))).toBe('[object with circular references]');
    expect(() => recalledOutput(record(nested(501), 1_000))).toThrow('1000 bytes are the most');
  });

  test('that is large and cannot become JSON is the text that the SDK tells a model of it', () => {
    const rows: unknown[] = ['x'.repeat(2_000)];
    rows.push(rows);
    expect(recalledOutput(record(rows, 1_000))).toBe('[object with circular references]');
  });

  test('is a copy: what the application changes later is not in it', () => {
    const given = { list: [1] };
    const recorded = record(given);
    given.list.push(2);
    (recalledOutput(recorded) as typeof given).list.push(3);
    expect(recalledOutput(recorded)).toEqual({ list: [1] });
  });
});
