import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createKeyCache } from './key-cache.ts';
import { createKeyRevocationWatch } from './key-revocation-watch.ts';

function createWatch() {
  const clock = createFakeClock();
  const keys = createMemoryKeys();
  const watch = createKeyRevocationWatch({ keys: createKeyCache({ store: keys.store, clock }), clock });
  return { clock, keys, watch: (keyId: string | null, stored = true) => watch.watch({ keyId, stored }) };
}

describe('a stream that was opened with a key', () => {
  test('ends within seconds after the key is revoked, and streams of other keys go on', async () => {
    const { clock, keys, watch } = createWatch();
    const [mine, other] = [keys.make(), keys.make()];
    const opened = [watch(mine.id), watch(mine.id), watch(other.id)];
    await clock.advance(10_000);
    expect(opened.map(({ ended }) => ended.aborted)).toEqual([false, false, false]);
    keys.revoke(mine.id);
    await clock.advance(2_000);
    expect(opened.map(({ ended }) => ended.aborted)).toEqual([true, true, false]);
  });

  test('ends within seconds after the key has expired', async () => {
    const { clock, keys, watch } = createWatch();
    const { ended } = watch(keys.make({ expiresAtMs: 1 }, 0).id);
    await clock.advance(2_000);
    expect(ended.aborted).toBe(true);
  });

  test('goes on while the store is unavailable', async () => {
    const { clock, keys, watch } = createWatch();
    const { id } = keys.make();
    const { ended } = watch(id);
    keys.fail(new Error('away'));
    keys.revoke(id);
    await clock.advance(60_000);
    expect(ended.aborted).toBe(false);
    keys.fail(null);
    await clock.advance(2_000);
    expect(ended.aborted).toBe(true);
  });

  test('shares one look-up in each check with all streams of its key, and needs none after it is closed', async () => {
    const { clock, keys, watch } = createWatch();
    const [one, other] = [keys.make(), keys.make()];
    const opened = Array.from({ length: 1_000 }, (_, n) => watch(n % 2 === 0 ? one.id : other.id));
    await clock.advance(2_000);
    expect(keys.asked.flat().toSorted()).toEqual([one.id, other.id].toSorted());
    for (const each of opened) {
      each[Symbol.dispose]();
      each[Symbol.dispose]();
    }
    await clock.advance(10_000);
    expect(keys.asked.flat()).toHaveLength(2);
    expect(clock.sleeping()).toBe(0);
  });

  test('does not end if the service requires no key, nor with ADMIN_API_KEY', async () => {
    const { clock, watch } = createWatch();
    const opened = [watch(null, false), watch('admin', false)];
    await clock.advance(10_000);
    expect(opened.map(({ ended }) => ended.aborted)).toEqual([false, false]);
    expect(clock.sleeping()).toBe(0);
  });
});
