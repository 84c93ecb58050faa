import { describe, expect, test } from 'vitest';
import type { StoreOpening } from '../store-environment-policy.ts';
import { type OpenStore, queue } from './fixture.contract.ts';

const serving = (appEnv: string, storeEnv: string | null = null): StoreOpening => ({ appEnv, storeEnv, stamps: true });

/** Which environments may open a store. */
export function describeStoreEnvironment(open: OpenStore): void {
  describe('the environment of a store', () => {
    test.each(['development', 'test', 'staging', 'production'])(
      'is that of the first process that serves: %s, and it is known to the next one',
      async (appEnv) => {
        await using fixture = await open();
        const first = await fixture.join(serving(appEnv));
        // A folder of development stays free for the first local start of production.
        const stamp = appEnv === 'development' && first.engine === 'sqlite' ? null : appEnv;
        expect(first.environment()).toBe(stamp);
        expect((await fixture.join(serving(appEnv))).environment()).toBe(stamp);
        expect((await fixture.join()).environment()).toBe(stamp);
      },
    );

    test('is not given by tools that only change or read the store', async () => {
      await using fixture = await open();
      expect(fixture.store.environment()).toBeNull();
      const store = await fixture.join({ appEnv: 'production', storeEnv: null, stamps: false });
      expect(store.environment()).toBeNull();
    });

    test('is that of STORE_ENV where that is given', async () => {
      await using fixture = await open();
      expect((await fixture.join(serving('development', 'staging'))).environment()).toBe('staging');
    });

    test('refuses processes of another one, which change nothing, and lets those in that name it', async () => {
      await using fixture = await open();
      await fixture.join(serving('production'));
      await expect(fixture.join(serving('development'))).rejects.toThrow(
        `This process is of development (APP_ENV), and the store, ${fixture.store.place}, is of production: name another store by `,
      );
      expect((await fixture.join(serving('development', 'production'))).environment()).toBe('production');
      expect((await fixture.join()).environment()).toBe('production');
    });

    test('is given once by processes that start together, and the others are refused', async () => {
      await using fixture = await open();
      const environments = ['staging', 'production', 'development', 'staging', 'production', 'development'];
      const outcomes = await Promise.allSettled(environments.map((each) => fixture.join(serving(each))));
      const winner = (await fixture.join()).environment();
      expect(outcomes.map(({ status }) => status)).toEqual(
        environments.map((each) => (each === winner ? 'fulfilled' : 'rejected')),
      );
    });

    test('becomes that of the first process after an update from a version that did not know it', async () => {
      await using fixture = await open();
      await queue(fixture.store);
      expect((await fixture.join(serving('production'))).environment()).toBe('production');
    });
  });
}
