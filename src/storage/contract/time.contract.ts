import { describe, expect, test } from 'vitest';
import type { Store } from '../port/index.ts';
import {
  approval,
  claim,
  claimOne,
  dead,
  handBack,
  live,
  noEntries,
  type OpenStore,
  pause,
  poison,
  processInfo,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const timeoutMs = 10 * hourMs;

/** Claims one run and expects that so much of its time is left, give or take what the test itself took. */
async function expectLeft(store: Store, leftMs: number): Promise<void> {
  const claimed = await claim(store);
  expect(claimed).toHaveLength(1);
  const remainingMs = claimed[0]?.remainingMs ?? Number.NaN;
  expect(Number.isInteger(remainingMs)).toBe(true);
  expect(remainingMs).toBeLessThan(leftMs + 5 * minuteMs);
  expect(remainingMs).toBeGreaterThan(leftMs - 5 * minuteMs);
}

/** What the port promises of a run's time. Hours that go by here are written into the past. */
export function describeTime(open: OpenStore): void {
  describe('the time of a run', () => {
    for (const mode of ['blocking', 'stream'] as const) {
      test(`counts from its creation, with the time in the queue: ${mode}`, async () => {
        await using fixture = await open();
        const run = await queue(fixture.store, { mode, timeoutMs });
        await fixture.ageRun(run.id, 4 * hourMs);
        await expectLeft(fixture.store, 6 * hourMs);
      });
    }

    test('counts from its first claim if it is in the background', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await queue(store, { mode: 'background', timeoutMs });
      await fixture.ageRun(run.id, 400 * hourMs);
      await expectLeft(store, 10 * hourMs);
      await fixture.ageRun(run.id, 4 * hourMs);
      await handBack(store, { ...run, attempt: 1 });
      await expectLeft(store, 6 * hourMs);
    });

    test('counts from its start if it is in the background and starts at once', async () => {
      await using fixture = await open();
      const run = await start(fixture.store, { mode: 'background', timeoutMs });
      await fixture.ageRun(run.id, 3 * hourMs);
      await handBack(fixture.store, run);
      await expectLeft(fixture.store, 7 * hourMs);
    });

    test('has 0 ms left when it is over, never less', async () => {
      await using fixture = await open();
      const run = await queue(fixture.store, { timeoutMs });
      await fixture.ageRun(run.id, 11 * hourMs);
      expect(await claim(fixture.store)).toMatchObject([{ remainingMs: 0 }]);
    });

    test('stops between a handback and the next claim', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { timeoutMs });
      await fixture.ageRun(run.id, hourMs);
      await handBack(store, run);
      await fixture.ageRun(run.id, 50 * hourMs);
      await expectLeft(store, 9 * hourMs);
      // And once more: what was put off before stays.
      await fixture.ageRun(run.id, 2 * hourMs);
      await handBack(store, { ...run, attempt: 2 });
      await fixture.ageRun(run.id, 50 * hourMs);
      await expectLeft(store, 7 * hourMs);
    });

    test('stops while it waits for a person, and after the decision until it is claimed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { timeoutMs });
      await fixture.ageRun(run.id, hourMs);
      await pause(store, run);
      await fixture.ageRun(run.id, 100 * hourMs);
      await store.runs.decide(tenant, run.id, { expected: approval, left: null, entries: noEntries });
      await fixture.ageRun(run.id, 20 * hourMs);
      await expectLeft(store, 9 * hourMs);
    });

    test('stops at the end of the lease of a dead process', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await store.processes.register(processInfo('proc_dead'), -3 * hourMs);
      const run = await start(store, { timeoutMs, ownerId: 'proc_dead' });
      await fixture.ageRun(run.id, 4 * hourMs); // it ran for an hour, then its process was gone for three
      await store.runs.recoverOrphans(poison, 10);
      await fixture.ageRun(run.id, 30 * hourMs);
      await expectLeft(store, 9 * hourMs);
    });

    test('stops when the process that owns the run is unregistered', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_1');
      const run = await start(store, { timeoutMs, ownerId: 'proc_1' });
      await fixture.ageRun(run.id, 2 * hourMs);
      await store.processes.unregister('proc_1');
      await store.runs.recoverOrphans(poison, 10);
      await expectLeft(store, 8 * hourMs);
    });

    test('never grows, not even if a lease ended before the run began', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await dead(store, 'proc_dead');
      const run = await start(store, { timeoutMs, ownerId: 'proc_dead' });
      await store.runs.recoverOrphans(poison, 10);
      const [claimed] = await claim(store);
      expect(claimed?.run.id).toBe(run.id);
      expect(claimed?.remainingMs).toBeLessThanOrEqual(timeoutMs);
    });

    test('of a run whose process is unknown stops at the last event of the run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { timeoutMs, ownerId: 'proc_unknown' });
      await fixture.ageRun(run.id, 8 * hourMs);
      const atMs = run.createdAtMs - 6 * hourMs;
      const event = { seq: 2, type: 'run.started', attempt: 1, atMs, data: {} };
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [event] });
      await store.runs.recoverOrphans(poison, 10);
      await expectLeft(store, 8 * hourMs);
      expect((await store.runs.get(tenant, run.id))?.crashes).toBe(1);
    });

    test('does not change the start that a run shows', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { timeoutMs });
      await handBack(store, run);
      expect(await claimOne(store)).toMatchObject({ timeoutMs, startedAtMs: run.startedAtMs });
    });
  });
}
