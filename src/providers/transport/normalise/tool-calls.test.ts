import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveArguments } from './call-arguments.ts';
import { mendToolCalls, ToolCalls } from './tool-calls.ts';

type Fields = Record<string, unknown>;
type Assembled = { id: string; name: string; arguments: string };

/** The calls that the SDK makes of deltas: by their index, with names and arguments joined, and the first id. */
function assembledBySdk(deltas: unknown[]): Assembled[] {
  const calls: Record<number, Assembled> = {};
  for (const delta of deltas as { index: number; id?: string; function?: { name?: string; arguments?: string } }[]) {
    calls[delta.index] ??= { id: '', name: '', arguments: '' };
    const call = calls[delta.index] as Assembled;
    call.name += delta.function?.name ?? '';
    call.arguments += delta.function?.arguments ?? '';
    call.id ||= delta.id ?? '';
  }
  return Object.values(calls).map((call) => ({ ...call, arguments: call.arguments.replace(/^\{\}(?=\{)/, '') }));
}

/** What the SDK makes of chunks of deltas that are mended. Ids of the service are `own-1` and so on. */
function assembled(...chunks: Fields[][]): Assembled[] {
  let ids = 0;
  const calls = new ToolCalls(() => `own-${++ids}`);
  const deltas = chunks.flatMap((chunk) => calls.add(chunk));
  return assembledBySdk([...deltas, ...calls.end()]);
}

const delta = (fields: Fields, name?: unknown, args?: unknown): Fields => ({
  ...fields,
  function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
});
const one = '{"n":1}';
const two = '{"n":2}';

describe('the arguments of a call', () => {
  test.each<[string, string[], string]>([
    ['that are JSON in fragments are joined', ['{"n"', ':1}'], one],
    ['that are nothing are an empty object', [], '{}'],
    ['that are blank are an empty object', [' ', '\n'], '{}'],
    ['that are null are an empty object', ['null'], '{}'],
    ['that are an empty text in JSON are an empty object', ['""'], '{}'],
    ['that are encoded twice are decoded', [JSON.stringify(one)], one],
    ['that are encoded three times are decoded', [JSON.stringify(JSON.stringify(one))], one],
    ['that are encoded twice, in fragments, are decoded', ['"{\\"n', '\\":1}"'], one],
    ['after an empty object are taken', ['{}', one], one],
    ['after an empty object, in fragments, are taken', ['{}', '{"n"', ':1}'], one],
    ['after null are taken', ['null', one], one],
    ['that come again at the end are taken once', ['{"n"', ':1}', one], one],
    ['that come again with other spaces are taken once', [one, '{ "n": 1 }'], one],
    ['that come three times are taken once', [one, one, one], one],
    ['that grow are taken once', ['{"n', '{"n":', one], one],
    ['that grow and are encoded twice are decoded', ['"{\\"n', '"{\\"n\\":1}"'], one],
    ['whose fragment repeats the beginning are joined if that is JSON', ['{"a":', '{"a":1}', '}'], '{"a":{"a":1}}'],
    ['that are two objects are left as they are', [one, two], one + two],
    ['that are cut off are left as they are', ['{"n":'], '{"n":'],
    ['that are no object are left as they are', ['[1]'], '[1]'],
    ['that are no JSON are left as they are', ['look at 1'], 'look at 1'],
  ])('%s', (_, fragments, expected) => {
    expect(resolveArguments(fragments)).toBe(expected);
  });

  test('that are nested very deep do no harm', () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    expect(resolveArguments([deep, ` ${deep}`])).toBe(`${deep} ${deep}`);
    expect(assembled([delta({ index: 0, id: 'a' }, 'f', deep)])).toEqual([{ id: 'a', name: 'f', arguments: deep }]);
  });
});

describe('deltas as they should be', () => {
  test('are passed on as they are', () => {
    const chunks = [
      [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"a"' } }],
      [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{' } }],
      [{ index: 0, function: { arguments: ':{"b":1}}' } }],
      [{ index: 1, function: { arguments: '}' } }],
    ];
    const calls = new ToolCalls();
    const before = structuredClone(chunks);
    expect(chunks.map((chunk) => calls.add(chunk))).toEqual(before);
    expect(calls.end()).toEqual([]);
  });

  test('make the same calls wherever their arguments are split', () => {
    const args = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(
        fc.array(args, { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 6 })),
        (all, lengths) => {
          const chunks: Fields[][] = [];
          for (const [index, text] of all.entries()) {
            chunks.push([delta({ index, id: `c${index}`, type: 'function' }, `f${index}`, '')]);
            for (let from = 0; from < text.length; ) {
              const length = lengths.next().value as number;
              chunks.push([delta({ index }, undefined, text.slice(from, from + length))]);
              from += length;
            }
          }
          expect(assembled(...chunks)).toEqual(
            all.map((text, index) => ({ id: `c${index}`, name: `f${index}`, arguments: text })),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});

const A = { id: 'a', name: 'f', arguments: one };
const B = { id: 'b', name: 'f', arguments: two };
const now = (id: string) => ({ id, name: 'now', arguments: '{}' });

describe('calls are told apart', () => {
  test.each<[string, Fields[][], Assembled[]]>([
    [
      'by ids, if all have index 0',
      [[delta({ index: 0, id: 'a' }, 'f', one)], [delta({ index: 0, id: 'b' }, 'f', two)]],
      [A, B],
    ],
    ['by ids, if none has an index', [[delta({ id: 'a' }, 'f', one), delta({ id: 'b' }, 'f', two)]], [A, B]],
    [
      'by ids, if they come by turns',
      [
        [delta({ index: 0, id: 'a' }, 'f', '{"n":')],
        [delta({ index: 0, id: 'b' }, 'g', '{"n":')],
        [delta({ index: 0, id: 'a' }, undefined, '1}')],
        [delta({ index: 0, id: 'b' }, undefined, '2}')],
      ],
      [A, { ...B, name: 'g' }],
    ],
    [
      'by the index, if they have one id',
      [[delta({ index: 0, id: 'a' }, 'f', one)], [delta({ index: 1, id: 'a' }, 'f', two)]],
      [A, { ...B, id: 'a' }],
    ],
    [
      'by their names, if there is neither, and arguments come in fragments',
      [
        [delta({}, 'f', '{"n":')],
        [delta({}, undefined, '1}')],
        [delta({}, 'g', '{"n":')],
        [delta({}, undefined, '2}')],
      ],
      [
        { ...A, id: 'own-1' },
        { ...B, id: 'own-2', name: 'g' },
      ],
    ],
    [
      'by the name, if there is neither',
      [[delta({}, 'now')], [delta({}, 'f', one)]],
      [now('own-1'), { ...A, id: 'own-2' }],
    ],
    [
      'by their place in a chunk, if there is neither',
      [[delta({}, 'now', ''), delta({}, 'now', '')]],
      [now('own-1'), now('own-2')],
    ],
    [
      'by the name, if all have index 0',
      [[delta({ index: 0 }, 'now', '{}')], [delta({ index: 0 }, 'f', one)]],
      [now('own-1'), { ...A, id: 'own-2' }],
    ],
    [
      'if the index is a text',
      [[delta({ index: '0', id: 'a' }, 'f', one)], [delta({ index: '1', id: 'b' }, 'f', two)]],
      [A, B],
    ],
    [
      'if the index is negative or huge',
      [[delta({ index: -1, id: 'a' }, 'f', one)], [delta({ index: 1e15, id: 'b' }, 'f', two)]],
      [A, B],
    ],
    [
      'and one call is one, if the index counts its chunks',
      [[delta({ index: 0, id: 'a' }, 'f', '{"n":')], [delta({ index: 1, id: 'a' }, undefined, '1}')]],
      [A],
    ],
    [
      'and one call is one, if the id is another in each chunk',
      [[delta({ index: 0, id: 'a' }, 'f', '{"n":')], [delta({ index: 0, id: 'x' }, 'f', '1}')]],
      [A],
    ],
    ['and entries that say nothing are none', [[{}, delta({ index: 3 }), delta({ index: 0, id: 'a' }, 'f', one)]], [A]],
  ])('%s', (_, chunks, expected) => {
    expect(assembled(...chunks)).toEqual(expected);
  });
});

test('a call that the server names late, or never, gets its id at the end', () => {
  expect(
    assembled([delta({ index: 0 }, 'f', one)], [delta({ index: 1, id: '' }, 'f', two)], [delta({ index: 1, id: 'b' })]),
  ).toEqual([{ ...A, id: 'own-1' }, B]);
});

test('a call of a custom tool is one of a function', () => {
  const custom = { id: 'a', type: 'custom', custom: { name: 'f', input: 'x' } };
  const calls = new ToolCalls();
  const made = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } };
  expect(calls.add([{ index: 0, ...structuredClone(custom) }])).toEqual([made]);
  calls.add([{ index: 0, custom: { input: 'y' } }]);
  expect(calls.end()).toEqual([{ index: 0, type: 'function', function: { arguments: 'xy' } }]);
  expect(mendToolCalls([structuredClone(custom)])).toEqual([
    { id: 'a', type: 'function', function: { name: 'f', arguments: 'x' } },
  ]);
});

test('any deltas at all make calls without an exception, each with an id and an index', () => {
  const odd = fc.oneof(
    fc.constantFrom(undefined, null, '', 0, 1, -1, 'a', 'b', '{}', '{"n":1}', '"', true),
    fc.jsonValue(),
  );
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record({
      index: odd,
      id: odd,
      type: odd,
      name: odd,
      function: fc.oneof(odd, fc.record({ name: odd, arguments: odd })),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 3 }), { maxLength: 8 }), (chunks) => {
      const calls = new ToolCalls();
      const deltas = chunks.flatMap((chunk) => calls.add(chunk));
      const made = [...deltas, ...calls.end()] as { index: unknown; id?: unknown }[];
      for (const { index } of made) expect(Number.isInteger(index)).toBe(true);
      for (const index of new Set(made.map(({ index }) => index))) {
        const of = made.filter((each) => each.index === index);
        expect(of.some(({ id }) => typeof id === 'string' && id !== '')).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
