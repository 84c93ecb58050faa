import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIds } from '../platform/ids.ts';
import { apiKeyPattern, digestOf, keyIdOf, makeApiKey } from './key-format.ts';

const ids = createIds(() => Date.UTC(2026, 0));

describe('an API key', () => {
  test('contains its id, 256 random bits and a checksum, and is a single word', () => {
    const id = ids('key');
    const { text } = makeApiKey(id, (size) => new Uint8Array(size).fill(0xff));
    expect(text).toHaveLength(4 + 26 + 1 + 43 + 6);
    expect(text).toMatch(apiKeyPattern);
    expect(text.startsWith(`ask_${id.slice(4)}_`)).toBe(true);
    expect(keyIdOf(text)).toBe(id);
  });

  test('is identified by its SHA-256, and is a different one each time', () => {
    const id = ids('key');
    const [one, other] = [makeApiKey(id), makeApiKey(id)];
    expect(one.text).not.toBe(other.text);
    expect(one.hash).toBe(digestOf(one.text).toString('hex'));
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('contains all bits of its secret', () => {
    const secretOf = (bytes: Uint8Array) => makeApiKey('key_00000000000000000000000000', () => bytes).text;
    const bytes = () => fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes(), bytes(), (one, other) => {
        const same = Buffer.compare(one, other) === 0;
        expect(secretOf(one) === secretOf(other)).toBe(same);
      }),
    );
  });

  test('is invalid with one character changed, or with two adjacent characters exchanged', () => {
    const { text } = makeApiKey(ids('key'));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (index, character) => {
        const changed = text.slice(0, index) + character + text.slice(index + 1);
        if (changed !== text) expect(keyIdOf(changed)).toBeNull();
        const exchanged = text.slice(0, index) + (text[index + 1] ?? '') + text[index] + text.slice(index + 2);
        if (exchanged !== text) expect(keyIdOf(exchanged)).toBeNull();
      }),
    );
  });

  test.each([
    '',
    'ask_',
    'sk-1234',
    'ask_01m8azhq62e009t6hsef5b7g71',
    'a'.repeat(80),
    `ask_${'0'.repeat(26)}_${'0'.repeat(49)}`,
  ])('is not any other text: %s', (text) => {
    expect(keyIdOf(text)).toBeNull();
  });
});
