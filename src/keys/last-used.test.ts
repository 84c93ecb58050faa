import { expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createLastUsedRecorder } from './last-used.ts';

function createRecorder() {
  const clock = createFakeClock();
  const keys = createMemoryKeys();
  const warnings: unknown[] = [];
  const log = { warn: (...line: unknown[]) => void warnings.push(line) };
  return { clock, keys, warnings, recorder: createLastUsedRecorder({ store: keys.store, clock, log }) };
}

test('the use of a key is written to the store at most once a minute', async () => {
  const { clock, keys, recorder } = createRecorder();
  for (let second = 0; second < 120; second += 1) {
    recorder.record('key_a');
    await clock.advance(1_000);
  }
  expect(keys.used).toEqual([['key_a'], ['key_a']]);
});

test('keys that are used during a write are written together by the next one', async () => {
  const { clock, keys, recorder } = createRecorder();
  for (const id of ['a', 'b', 'c', 'b']) recorder.record(id);
  await clock.advance(0);
  expect(keys.used).toEqual([['a'], ['b', 'c']]);
});

test('a write that fails is logged, and has no effect on the caller', async () => {
  const { clock, keys, warnings, recorder } = createRecorder();
  keys.fail(new Error('away'));
  recorder.record('a');
  await clock.advance(0);
  expect(warnings).toEqual([[{ reason: 'away' }, 'the use of API keys was not noted']]);
  keys.fail(null);
  recorder.record('b');
  await clock.advance(0);
  expect(keys.used.at(-1)).toEqual(['b']);
});
