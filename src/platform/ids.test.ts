import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIds } from './ids.ts';

const epochMs = 1_790_000_000_000;
const frozen = () => epochMs;

/** The 128 bits of an id, as hexadecimal digits: the UUID without its dashes. */
function bitsOf(id: string): string {
  const digits = [...id.slice(id.indexOf('_') + 1)].map((character) =>
    '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character).toString(2).padStart(5, '0'),
  );
  return BigInt(`0b${digits.join('')}`)
    .toString(16)
    .padStart(32, '0');
}

test('an id is its kind and 26 characters, without letters that look like digits', () => {
  const newId = createIds(frozen);
  for (const kind of ['run', 'key', 'req', 'proc'] as const) {
    expect(newId(kind)).toMatch(new RegExp(`^${kind}_[0-9a-hjkmnp-tv-z]{26}$`));
  }
});

test('an id is a UUID of version 7 with the time of its creation', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 48 - 1 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (nowMs, bytes) => {
        const bits = bitsOf(
          createIds(
            () => nowMs,
            () => bytes,
          )('run'),
        );
        expect(Number.parseInt(bits.slice(0, 12), 16)).toBe(nowMs);
        expect(bits[12]).toBe('7');
        expect(bits[16]).toMatch(/[89ab]/);
        expect(bits.slice(17)).toBe(Buffer.from(bytes).toString('hex').slice(17));
      },
    ),
  );
});

test('ids of a later time sort later', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1e12 }), { minLength: 2, maxLength: 50 }), (pausesMs) => {
      let nowMs = epochMs;
      const newId = createIds(() => nowMs);
      const ids = pausesMs.map((pauseMs) => {
        nowMs += pauseMs;
        return newId('run');
      });
      expect(ids.toSorted()).toEqual(ids);
    }),
  );
});

test('a hundred thousand ids of one millisecond are all different and sort in the order of their creation', () => {
  const newId = createIds(frozen);
  const ids = Array.from({ length: 100_000 }, () => newId('run'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.findIndex((id, index) => index > 0 && id <= (ids[index - 1] ?? ''))).toBe(-1);
});

test('ids sort in the order of their creation also while the clock is set back and forth', () => {
  const jumps = fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 2, maxLength: 200 });
  fc.assert(
    fc.property(jumps, (jumpsMs) => {
      let nowMs = epochMs;
      const newId = createIds(() => nowMs);
      const ids = jumpsMs.map((jumpMs) => {
        nowMs += jumpMs;
        return newId('run');
      });
      expect(ids.toSorted()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});

test('two processes with the same clock make different ids', () => {
  const [one, other] = [createIds(frozen), createIds(frozen)];
  const ids = Array.from({ length: 1000 }, () => [one('run'), other('run')]).flat();
  expect(new Set(ids).size).toBe(ids.length);
});

test('the creation of an id does not change the given random bytes', () => {
  const bytes = randomBytes(16);
  const before = Buffer.from(bytes);
  createIds(frozen, () => bytes)('run');
  expect(bytes).toEqual(before);
});
