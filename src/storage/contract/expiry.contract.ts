import { describe, expect, test } from 'vitest';
import type { Run } from '../port/index.ts';
import {
  approval,
  claimOne,
  finish,
  idsOf,
  journalOf,
  newEvent,
  noEntries,
  type OpenStore,
  pause,
  start,
  tenant,
} from './fixture.contract.ts';

const expired = { code: 'approval_expired', detail: 'Nobody decided.', retryable: false };
const over = -1;

/** What `RunStore.expireAction` promises. */
export function describeExpiry(open: OpenStore): void {
  describe('a run without a decision in time', () => {
    test('is failed, its session free, its last event written', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const entries = { steps: [], events: [newEvent(2)] };
      const run = await pause(store, await start(store), { expiresInMs: over, entries });
      const ended = await store.runs.expireAction(expired);
      expect(ended).toEqual({
        ...run,
        status: 'failed',
        error: expired,
        requiredAction: null,
        finishedAtMs: expect.any(Number),
      });
      expect(await store.runs.get(tenant, run.id)).toEqual(ended);
      expect((await journalOf(store, run)).events.at(-1)).toMatchObject({ seq: 3, type: 'run.failed', attempt: 1 });
      expect(await start(store)).toMatchObject({ status: 'running' });
      expect(await store.runs.expireAction(expired)).toBeNull();
    });

    test('is ended whatever its tenant, the one that waited longest first', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs: Run[] = [];
      for (const [tenantId, expiresInMs] of [
        ['a', -1],
        ['b', -3_000],
        ['a', -2_000],
      ] as const) {
        runs.push(await pause(store, await start(store, { tenantId, sessionId: null }), { expiresInMs }));
      }
      const ended: Run[] = [];
      for (let run = await store.runs.expireAction(expired); run; run = await store.runs.expireAction(expired)) {
        ended.push(run);
      }
      expect(idsOf(ended)).toEqual([1, 2, 0].map((index) => runs[index]?.id));
    });

    test('is ended once, however many processes poll', async () => {
      await using fixture = await open();
      const stores = [fixture.store, await fixture.join(), await fixture.join()];
      for (let n = 0; n < 20; n += 1) {
        await pause(fixture.store, await start(fixture.store, { sessionId: `s-${n}` }), { expiresInMs: over });
      }
      const looks = await Promise.all(
        stores.map(async (store) => {
          const found: string[] = [];
          for (let misses = 0; misses < 3; ) {
            const run = await store.runs.expireAction(expired);
            if (run) found.push(run.id);
            else misses += 1;
          }
          return found;
        }),
      );
      expect(looks.flat()).toHaveLength(20);
      expect(new Set(looks.flat()).size).toBe(20);
    });
  });

  test('a run waits for a person until its time is over, decided in part or not', async () => {
    await using fixture = await open();
    const { store } = fixture;
    const run = await pause(store, await start(store), { expiresInMs: 60_000 });
    await store.runs.decide(tenant, run.id, { expected: approval, left: { ...approval, n: 2 }, entries: noEntries });
    expect(await store.runs.expireAction(expired)).toBeNull();
    expect(await store.runs.get(tenant, run.id)).toMatchObject({ status: 'requires_action' });
  });

  test('a run that was decided in time does not expire', async () => {
    await using fixture = await open();
    const { store } = fixture;
    const run = await pause(store, await start(store), { expiresInMs: over });
    await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
    expect(await store.runs.expireAction(expired)).toBeNull();
    const again = await claimOne(store);
    expect(await store.runs.expireAction(expired)).toBeNull();
    await finish(store, again);
    expect(await store.runs.expireAction(expired)).toBeNull();
  });
}
