import { describe, expect, test } from 'vitest';
import { argumentsText, resolveArguments } from './arguments.ts';

const real = '{"city":"Oslo"}';

describe('arguments of a tool call in one piece', () => {
  test.each([
    ['an object text', real, real],
    ['an object', { city: 'Oslo' }, real],
    ['encoded twice', JSON.stringify(real), real],
    ['missing', undefined, '{}'],
    ['null', null, '{}'],
    ['empty', '', '{}'],
    ['blanks', ' \n', '{}'],
    ['the text null', 'null', '{}'],
    ['an empty text encoded twice', '""', '{}'],
    ['null encoded twice', '"null"', '{}'],
    ['broken', '{"city":', '{"city":'],
    ['a list', '["Oslo"]', '["Oslo"]'],
    ['a list as a value', ['Oslo'], '["Oslo"]'],
    ['a number', 5, '5'],
    ['a text', '"Oslo"', '"Oslo"'],
  ])('%s', (_, value, expected) => {
    expect(argumentsText(value)).toBe(expected);
  });
});

describe('arguments of a tool call in fragments', () => {
  test.each([
    ['pieces', ['{"ci', 'ty":', '"Oslo"}'], real],
    ['pieces, and some empty', ['', '{"ci', '', 'ty":"Oslo"}', ''], real],
    ['a placeholder, then the arguments', ['{}', real], real],
    ['a placeholder, then pieces', ['{}', '{"ci', 'ty":"Oslo"}'], real],
    ['null, then pieces', ['null', '{"ci', 'ty":"Oslo"}'], real],
    ['all again at the end', ['{"ci', 'ty":"Oslo"}', real], real],
    ['all again at the end in pieces', ['{"ci', 'ty":"Oslo"}', '{"city"', ':"Oslo"}'], real],
    ['the whole twice', [real, real], real],
    ['the whole three times', [real, real, real], real],
    ['cumulative', ['{"ci', '{"city":"Os', real], real],
    ['cumulative, and empty at the end', ['{"ci', real, ''], real],
    ['empty object twice', ['{}', '{}'], '{}'],
    ['encoded twice, in pieces', ['"{\\"city', '\\":\\"Oslo\\"}"'], real],
    ['none', [], '{}'],
    ['empty', ['', ''], '{}'],
    ['null', ['null'], '{}'],
    ['broken', ['{"ci', 'ty":'], '{"city":'],
    ['two different objects', ['{"a":1}', '{"b":2}'], '{"a":1}{"b":2}'],
    ['a list', ['["Os', 'lo"]'], '["Oslo"]'],
    ['repeated pieces that make an object when joined', ['{"a":"', 'x', 'x', '"}'], '{"a":"xx"}'],
  ])('%s', (_, fragments, expected) => {
    expect(resolveArguments(fragments)).toBe(expected);
  });
});
