import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bareJson, SseEventTooLong, SseParser } from './sse-parser.ts';

type Event = [data: string, name: string];

function parse(bytes: Buffer, lengths: readonly number[], bytesMax = 1_000_000): Event[] {
  const events: Event[] = [];
  const parser = new SseParser((data, name) => void events.push([data, name]), bytesMax);
  let from = 0;
  for (const length of lengths) {
    parser.push(bytes.subarray(from, from + length));
    from += length;
  }
  parser.push(bytes.subarray(from));
  parser.end();
  return events;
}

/**
 * The events by the parser of another package. It drops a last event without an empty line, so one is added; and it gives
 * events whose data is empty, which are none by the standard.
 */
function parseByReference(text: string): Event[] {
  const events: Event[] = [];
  const parser = createParser({ onEvent: ({ data, event = '' }) => void (data !== '' && events.push([data, event])) });
  parser.feed(text);
  parser.feed('\n\n');
  return events;
}

describe('events', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 15 }).map((text) => text.replace(/[\r\n\0]/g, ''));
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('data', 'event', 'id', 'retry', 'dat', 'database', ''), fc.constantFrom(':', ': '), value),
    fc.tuple(fc.constantFrom('data', 'event', 'da'), fc.constant(''), fc.constant('')),
    fc.tuple(fc.constant(''), fc.constant(''), fc.constant('')),
  );
  const lines = fc.array(
    line.map((parts) => parts.join('')),
    { maxLength: 20 },
  );

  test('are the same as by another parser, wherever the bytes are split', () => {
    fc.assert(
      fc.property(lines, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(12)), (text, end, lengths) => {
        const whole = text.join(end);
        expect(parse(Buffer.from(whole), lengths)).toEqual(parseByReference(whole.replaceAll(/\r\n?/g, '\n')));
      }),
      { numRuns: 2_000 },
    );
  });

  test('are complete if a chunk ends within a character or a line end', () => {
    const bytes = Buffer.from('\ufeffdata: é中😀\r\n\r\ndata: 2\r\n\r\n');
    for (let length = 1; length < bytes.length; length += 1) {
      const lengths = Array.from({ length: bytes.length }, () => length);
      expect(parse(bytes, lengths)).toEqual([
        ['é中😀', ''],
        ['2', ''],
      ]);
    }
  });

  test('may end with the stream without an empty line', () => {
    expect(parse(Buffer.from('event: a\ndata: 1\n\ndata: 2'), [])).toEqual([
      ['1', 'a'],
      ['2', ''],
    ]);
  });

  test('have all their data lines, and no comments', () => {
    expect(parse(Buffer.from('data: 1\n: no\ndata\ndata:2\n\n:\n\n'), [])).toEqual([['1\n\n2', '']]);
  });
});

describe('JSON without a field', () => {
  const parseText = (text: string) => {
    const bytes = Buffer.from(text);
    const whole = parse(bytes, []);
    for (let length = 1; length < bytes.length; length += 1) {
      expect(
        parse(
          bytes,
          Array.from({ length: bytes.length }, () => length),
        ),
      ).toEqual(whole);
    }
    return whole;
  };

  test('that is the whole body is one event with a name of its own', () => {
    expect(parseText('{"a":1}')).toEqual([['{"a":1}', bareJson]]);
    expect(parseText('\n  {\n  "a": 1\n}\n')).toEqual([['{\n  "a": 1\n}', bareJson]]);
    expect(parseText('[{"a":1}]')).toEqual([['[{"a":1}]', bareJson]]);
  });

  test('is an event for each line', () => {
    expect(parseText('{"a":1}\n{"b":2}\n[DONE]\n')).toEqual([
      ['{"a":1}', ''],
      ['{"b":2}', ''],
      ['[DONE]', ''],
    ]);
  });

  test('can follow events', () => {
    expect(parseText('data: 1\n\n{"a":1}\n')).toEqual([
      ['1', ''],
      ['{"a":1}', ''],
    ]);
  });

  test('that is none is ignored if events follow', () => {
    expect(parseText('{ oops\ndata: 1\n\n')).toEqual([['1', '']]);
  });

  test('that is too long fails before it is buffered', () => {
    const parser = new SseParser(() => {}, 1_000);
    const flood = () => {
      parser.push(Buffer.from('{\n'));
      for (let line = 0; line < 1_000; line += 1) parser.push(Buffer.from('xxxxx\n'));
    };
    expect(flood).toThrow(SseEventTooLong);
  });
});

describe('an event that is too long', () => {
  test('fails before it is buffered: an endless line', () => {
    const parser = new SseParser(() => {}, 1_000_000);
    const chunk = Buffer.alloc(65_536, 'x');
    let pushed = 0;
    const flood = () => {
      for (; pushed < 100_000_000; pushed += chunk.length) parser.push(chunk);
    };
    expect(flood).toThrow(SseEventTooLong);
    expect(pushed).toBeLessThan(1_100_000);
  });

  test('fails also if it has many short lines', () => {
    const parser = new SseParser(() => {}, 1_000);
    const flood = () => {
      for (let line = 0; line < 1_000; line += 1) parser.push(Buffer.from('data: xxxxx\n'));
    };
    expect(flood).toThrow(SseEventTooLong);
  });
});
