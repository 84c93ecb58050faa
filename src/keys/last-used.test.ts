import { expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createLastUsedRecorder } from './last-used.ts';

function createUse() {
  const clock = createFakeClock();
  const keys = createMemoryKeys();
  const warnings: unknown[] = [];
  const log = { warn: (...line: unknown[]) => void warnings.push(line) };
  return { clock, keys, warnings, use: createLastUsedRecorder({ store: keys.store, clock, log }) };
}

test('the use of a key is written at most once a minute', async () => {
  const { clock, keys, use } = createUse();
  for (let second = 0; second < 120; second += 1) {
    use.note('key_a');
    await clock.advance(1_000);
  }
  expect(keys.used).toEqual([['key_a'], ['key_a']]);
});

test('keys that are used while one is written are written together', async () => {
  const { clock, keys, use } = createUse();
  for (const id of ['a', 'b', 'c', 'b']) use.note(id);
  await clock.advance(0);
  expect(keys.used).toEqual([['a'], ['b', 'c']]);
});

test('that it could not be written harms nobody, and is in the log', async () => {
  const { clock, keys, warnings, use } = createUse();
  keys.fail(new Error('away'));
  use.note('a');
  await clock.advance(0);
  expect(warnings).toEqual([[{ reason: 'away' }, 'the use of API keys was not noted']]);
  keys.fail(null);
  use.note('b');
  await clock.advance(0);
  expect(keys.used.at(-1)).toEqual(['b']);
});
