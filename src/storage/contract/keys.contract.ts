import { describe, expect, test } from 'vitest';
import { type ApiKey, type NewApiKey, noLimits, type Store } from '../port/index.ts';
import { idsOf, longAgoMs, newId, notYetMs, type OpenStore, otherTenant, readAll, tenant } from './fixture.contract.ts';

/** A key of `tenant` that may run and read, for ever, unless overridden. */
function newKey(overrides: Partial<NewApiKey> = {}): NewApiKey {
  const id = newId('key');
  return {
    ...noLimits,
    id,
    tenantId: tenant,
    name: '',
    scopes: ['run', 'read'],
    expiresAtMs: null,
    hash: id,
    prefix: id,
    ...overrides,
  };
}

const listIds = async (store: Store, tenantId: string | null) =>
  idsOf((await store.keys.list(tenantId, 50, null)).data);

const findOne = async (store: Store, { id }: { id: string }) => (await store.keys.find([id]))[0];

/** What `KeyStore` promises. */
export function describeKeys(open: OpenStore): void {
  describe('API keys', () => {
    test('a key comes back as it was created, with the time of that, and without its hash', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const limits = {
        rpm: 60,
        burst: 5,
        budgetUsdDay: 12.5,
        budgetTokensDay: 3_000_000_000,
        budgetUsdMonth: 0,
        budgetTokensMonth: 90_000_000_000,
      };
      const { hash, prefix, ...asked } = newKey({
        ...limits,
        name: 'Größe 👩‍🚀',
        scopes: ['admin'],
        expiresAtMs: notYetMs,
      });
      const made = await store.keys.create({ ...asked, hash, prefix });
      expect(made).toEqual({ ...asked, createdAtMs: expect.any(Number), revokedAtMs: null, lastUsedAtMs: null });
      expect(made.createdAtMs).toBeGreaterThan(longAgoMs);
      expect((await store.keys.list(tenant, 50, null)).data).toEqual([made]);
      expect(await findOne(store, made)).toMatchObject({ key: made, hash });
    });

    test('a key creates its tenant if that is new, and several keys are of one tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const tenantId = `new-${newId('key')}`;
      const [first, second] = await Promise.all([1, 2].map(() => store.keys.create(newKey({ tenantId }))));
      expect(await listIds(store, tenantId)).toEqual(
        [first, second]
          .map((key) => key?.id)
          .toSorted()
          .reverse(),
      );
    });

    test('two keys never have the same id or the same hash', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const key = newKey();
      await store.keys.create(key);
      await expect(store.keys.create(newKey({ id: key.id }))).rejects.toThrow();
      await expect(store.keys.create(newKey({ hash: key.hash }))).rejects.toThrow();
      expect(await listIds(store, tenant)).toEqual([key.id]);
    });

    test('keys are listed newest first, those of the tenant alone, or those of all', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const made: ApiKey[] = [];
      for (let n = 0; n < 7; n += 1) {
        made.push(await store.keys.create(newKey({ tenantId: n % 2 === 0 ? tenant : otherTenant })));
      }
      const newestFirst = idsOf(made).reverse();
      const own = idsOf(made.filter(({ tenantId }) => tenantId === tenant)).reverse();
      for (const limit of [1, 3, 7, 50]) {
        const all = await readAll<ApiKey, string>((before) => store.keys.list(null, limit, before));
        expect(idsOf(all.rows)).toEqual(newestFirst);
        const mine = await readAll<ApiKey, string>((before) => store.keys.list(tenant, limit, before));
        expect(idsOf(mine.rows)).toEqual(own);
      }
      // A cursor of another tenant's list opens nothing of it.
      expect(idsOf((await store.keys.list(tenant, 50, newestFirst[1] ?? null)).data)).toEqual(own.slice(1));
      expect(await listIds(store, 'tenant-c')).toEqual([]);
    });

    test('a key is revoked once, by its own tenant or by the operator, and is still listed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [mine, other] = [await store.keys.create(newKey()), await store.keys.create(newKey())];
      expect(await store.keys.revoke(otherTenant, mine.id)).toBe(false);
      expect(await store.keys.revoke(tenant, 'key_none')).toBe(false);
      expect(await findOne(store, mine)).toMatchObject({ key: mine, endsInMs: null });
      expect(await store.keys.revoke(tenant, mine.id)).toBe(true);
      const revoked = await findOne(store, mine);
      expect(revoked).toMatchObject({ key: { revokedAtMs: expect.any(Number) }, endsInMs: 0 });
      expect(await store.keys.revoke(null, mine.id)).toBe(true);
      expect(await findOne(store, mine)).toEqual(revoked);
      expect(await findOne(store, other)).toMatchObject({ key: { revokedAtMs: null } });
      expect(await store.keys.revoke(null, other.id)).toBe(true);
    });

    test('a key expires at its time, by the clock of the store', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const over = await store.keys.create(newKey({ expiresAtMs: longAgoMs }));
      const valid = await store.keys.create(newKey({ expiresAtMs: over.createdAtMs + 3_600_000 }));
      expect(await findOne(store, over)).toMatchObject({ key: over, endsInMs: 0 });
      const { endsInMs } = (await findOne(store, valid)) ?? {};
      expect(endsInMs).toBeLessThanOrEqual(3_600_000);
      expect(endsInMs).toBeGreaterThan(0);
    });

    test('keys are found by their ids, many at once, of any tenant; unknown ids are left out', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const made: ApiKey[] = [];
      for (const tenantId of [tenant, otherTenant, tenant]) made.push(await store.keys.create(newKey({ tenantId })));
      const asked = [made[2]?.id ?? '', 'key_none', made[1]?.id ?? '', "' or 1=1 --", ''];
      const found = await store.keys.find(asked);
      expect(found.map(({ key }) => key.id).toSorted()).toEqual(idsOf(made.slice(1)).toSorted());
      expect(await store.keys.find([])).toEqual([]);
    });

    test('the use of a key is stored at most once per interval, and that of no other key', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [used, unused] = [await store.keys.create(newKey()), await store.keys.create(newKey())];
      const lastUse = async () => (await findOne(store, used))?.key.lastUsedAtMs ?? 0;
      await store.keys.markUsed([used.id, 'key_none'], 60_000);
      const firstMs = await lastUse();
      expect(firstMs).toBeGreaterThanOrEqual(used.createdAtMs);
      while ((await lastUse()) === firstMs) await store.keys.markUsed([used.id], 0);
      const secondMs = await lastUse();
      for (let time = 0; time < 20; time += 1) await store.keys.markUsed([used.id], 3_600_000);
      expect(await lastUse()).toBe(secondMs);
      expect(await findOne(store, unused)).toMatchObject({ key: { lastUsedAtMs: null } });
    });

    test('a name that cannot exist is not found, without an error', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const { id } = await store.keys.create(newKey());
      for (const name of ['a\u0000b', 'a\ud800', "' or 1=1 --", '']) {
        expect(await listIds(store, name)).toEqual([]);
        expect(await store.keys.revoke(name, id)).toBe(false);
        expect(await store.keys.revoke(null, name)).toBe(false);
        expect(idsOf((await store.keys.list('tenant-c', 10, name)).data)).toEqual([]);
      }
    });

    test('whether there is a valid key does not count those that were revoked or have expired', async () => {
      await using fixture = await open();
      const { store } = fixture;
      expect(await store.keys.anyValid()).toBe(false);
      await store.keys.create(newKey({ expiresAtMs: longAgoMs }));
      const { id } = await store.keys.create(newKey());
      expect(await store.keys.anyValid()).toBe(true);
      await store.keys.revoke(null, id);
      expect(await store.keys.anyValid()).toBe(false);
      await store.keys.create(newKey({ expiresAtMs: notYetMs }));
      expect(await store.keys.anyValid()).toBe(true);
    });

    test('a second process sees at once which keys were created and revoked', async () => {
      await using fixture = await open();
      const other = await fixture.join();
      const { id } = await other.keys.create(newKey());
      expect(await findOne(fixture.store, { id })).toMatchObject({ endsInMs: null });
      await other.keys.revoke(null, id);
      expect(await findOne(fixture.store, { id })).toMatchObject({ endsInMs: 0 });
    });
  });
}
