import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createKeyCache } from './key-cache.ts';

function createCache(entriesMax?: number) {
  const clock = createFakeClock();
  const keys = createMemoryKeys();
  return { clock, keys, cache: createKeyCache({ store: keys.store, clock, entriesMax }) };
}

describe('the cache of keys', () => {
  test('a request with a key in use never waits for the store, and the key is looked up about once a second', async () => {
    const { clock, keys, cache } = createCache();
    const { id } = keys.make();
    await cache.get(id);
    const release = keys.hold(); // the store does not answer any more: a request that waited for it would hang
    for (let ms = 0; ms < 2_900; ms += 100) {
      await clock.advance(100);
      expect(cache.isValid(await cache.get(id))).toBe(true);
    }
    release();
    expect(keys.asked.length).toBeLessThanOrEqual(4);
  });

  test('a revoked key is accepted for 3 s at most', async () => {
    const { clock, keys, cache } = createCache();
    const { id } = keys.make();
    await cache.get(id);
    await clock.advance(999);
    keys.revoke(id);
    expect(cache.isValid(await cache.get(id))).toBe(true);
    await clock.advance(2_001);
    expect(cache.isValid(await cache.get(id))).toBe(false);
  });

  test('a key expires exactly at its time, without a query to the store', async () => {
    const { clock, keys, cache } = createCache();
    const { id } = keys.make({}, 500);
    const cached = await cache.get(id);
    await clock.advance(499);
    expect(cache.isValid(cached)).toBe(true);
    await clock.advance(1);
    expect(cache.isValid(cached)).toBe(false);
  });

  test('the absence of a key is cached too', async () => {
    const { keys, cache } = createCache();
    for (let time = 0; time < 100; time += 1) expect((await cache.get('key_none')).found).toBeNull();
    expect(keys.asked).toEqual([['key_none']]);
  });

  test('one statement is under way at a time, however many keys are looked up at once', async () => {
    const { keys, cache } = createCache();
    const release = keys.hold();
    const lookups = Array.from({ length: 1_200 }, (_, n) => cache.get(`key_${n}`));
    expect(keys.asked.map((ids) => ids.length)).toEqual([1]);
    release();
    await Promise.all(lookups);
    expect(keys.asked.map((ids) => ids.length)).toEqual([1, 500, 500, 199]);
  });

  test('ids without a key never evict a key, and both maps keep within their bound', async () => {
    const { keys, cache } = createCache(10);
    const { id } = keys.make();
    await cache.get(id);
    for (let n = 0; n < 1_000; n += 1) await cache.get(`key_${n}`);
    expect(cache.sizes()).toEqual({ known: 1, unknown: 10 });
    const before = keys.asked.length;
    await cache.get(id);
    expect(keys.asked).toHaveLength(before);
  });

  test('while the store fails, keys are accepted for 3 s; then the error of the store is returned', async () => {
    const { clock, keys, cache } = createCache();
    const { id } = keys.make();
    await cache.get(id);
    keys.fail(new Error('away'));
    await clock.advance(2_999);
    expect(cache.isValid(await cache.get(id))).toBe(true);
    await clock.advance(1);
    await expect(cache.get(id)).rejects.toThrow('away');
    keys.fail(null);
    expect(cache.isValid(await cache.get(id))).toBe(true);
  });
});
