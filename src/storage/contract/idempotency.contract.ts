import { describe, expect, test } from 'vitest';
import type { Run, Store } from '../port/index.ts';
import { finish, newRun, type OpenStore, otherTenant, pause, sessionState, start, tenant } from './fixture.contract.ts';
import { strings } from './odd-values.contract.ts';

const hourMs = 3_600_000;
const idempotency = { key: 'key-1', fingerprint: 'f1', ttlMs: hourMs };

const startWithKey = (store: Store, key = idempotency): Promise<Run> => start(store, { idempotency: key });

/** What `RunStore.create` promises of idempotency keys. */
export function describeIdempotency(open: OpenStore): void {
  describe('an idempotency key', () => {
    test('finds the run that it created, as it is now, and writes nothing', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await startWithKey(store);
      const asked = newRun({ idempotency });
      expect(await store.runs.create(asked, 'wait', true)).toEqual({ type: 'existing', run });
      const finished = await finish(store, run);
      const before = await sessionState(store);
      for (const ifBusy of ['wait', 'reject', 'interrupt'] as const) {
        expect(await store.runs.create(asked, ifBusy, true)).toEqual({ type: 'existing', run: finished });
      }
      expect(await store.runs.get(tenant, asked.id)).toBeNull();
      expect(await sessionState(store)).toEqual(before);
    });

    test('finds its run before anything else is checked: a busy session, or a run to be interrupted', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await pause(store, await startWithKey(store));
      for (const ifBusy of ['wait', 'reject', 'interrupt'] as const) {
        const outcome = await store.runs.create(newRun({ idempotency }), ifBusy, true);
        expect(outcome).toEqual({ type: 'existing', run });
      }
    });

    test('of another request is refused, and nothing is written', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await startWithKey(store);
      const before = await sessionState(store);
      const asked = newRun({ sessionId: 's-2', idempotency: { ...idempotency, fingerprint: 'f2' } });
      expect(await store.runs.create(asked, 'interrupt', true)).toEqual({ type: 'key_reused' });
      expect(await store.runs.get(tenant, asked.id)).toBeNull();
      expect(await store.sessions.get(tenant, 's-2')).toBeNull();
      expect(await sessionState(store)).toEqual(before);
    });

    test('belongs to one tenant', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const mine = await startWithKey(store);
      const theirs = await start(store, {
        tenantId: otherTenant,
        idempotency: { ...idempotency, fingerprint: 'f2' },
      });
      expect(theirs.id).not.toBe(mine.id);
      const again = await store.runs.create(newRun({ idempotency }), 'wait', true);
      expect(again).toMatchObject({ type: 'existing', run: { id: mine.id } });
    });

    test('that differs creates another run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await start(store, { sessionId: null, idempotency });
      await start(store, { sessionId: null, idempotency: { ...idempotency, key: 'key-2' } });
      await start(store, { sessionId: null });
      expect((await store.runs.list(tenant, {}, 10, null)).data).toHaveLength(3);
    });

    test('expires after its time, and then names the next run that uses it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const first = await startWithKey(store);
      await finish(store, first);
      await fixture.ageKeys(hourMs + 1);
      const other = { ...idempotency, fingerprint: 'f2' };
      const second = await startWithKey(store, other);
      expect(second.id).not.toBe(first.id);
      const again = await store.runs.create(newRun({ idempotency: other }), 'wait', true);
      expect(again).toMatchObject({ type: 'existing', run: { id: second.id } });
      expect(await store.runs.create(newRun({ idempotency }), 'wait', true)).toEqual({ type: 'key_reused' });
      await fixture.ageKeys(hourMs - 60_000);
      expect(await store.runs.create(newRun({ idempotency }), 'wait', true)).toEqual({ type: 'key_reused' });
    });

    test('of a request that was refused is not used up', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const holder = await start(store);
      expect(await store.runs.create(newRun({ idempotency }), 'reject', true)).toMatchObject({ type: 'busy' });
      await expect(store.runs.create(newRun({ id: holder.id, idempotency }), 'wait', true)).rejects.toThrow();
      await finish(store, holder);
      expect(await startWithKey(store, { ...idempotency, fingerprint: 'f2' })).toMatchObject({ status: 'running' });
    });

    test('survives a restart', async () => {
      await using fixture = await open();
      const run = await startWithKey(fixture.store);
      const store = await fixture.reopen();
      expect(await store.runs.create(newRun({ idempotency }), 'wait', true)).toEqual({ type: 'existing', run });
    });

    for (const [name, key] of Object.entries(strings)) {
      test(`may be any string: ${name}`, async () => {
        await using fixture = await open();
        const { store } = fixture;
        const run = await startWithKey(store, { ...idempotency, key });
        await start(store, { sessionId: null, idempotency: { ...idempotency, key: JSON.stringify(key) } });
        const again = await store.runs.create(newRun({ idempotency: { ...idempotency, key } }), 'wait', true);
        expect(again).toEqual({ type: 'existing', run });
      });
    }
  });
}
