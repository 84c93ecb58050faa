import { describe, expect, test } from 'vitest';
import type { JournalEntries, Signal, Store } from '../port/index.ts';
import {
  approval,
  cancelled,
  claimOne,
  finish,
  handBack,
  interrupt,
  listen,
  live,
  newEvent,
  newStep,
  noEntries,
  type OpenStore,
  pause,
  poison,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

const oneEvent = { steps: [], events: [newEvent(2)] };

/**
 * What was heard while `act` was done, without repetitions. An event of another run before and one after tell that
 * everything has arrived: signals of one store keep their order.
 */
async function heardDuring(store: Store, act: () => Promise<unknown>): Promise<Signal[]> {
  await live(store, 'proc_witness'); // so that no recovery takes these two runs back
  const before = await start(store, { sessionId: null, ownerId: 'proc_witness' });
  const after = await start(store, { sessionId: null, ownerId: 'proc_witness' });
  using listener = listen(store);
  await store.journal.append(tenant, before.id, 1, oneEvent);
  await listener.until('events', before.id);
  const earlier = listener.heard.length;
  await act();
  await store.journal.append(tenant, after.id, 1, oneEvent);
  await listener.until('events', after.id);
  const texts = listener.heard.slice(earlier).map((signal) => JSON.stringify(signal));
  const others = [...new Set(texts)].map((text): Signal => JSON.parse(text));
  return others.filter((signal) => !('runId' in signal && [before.id, after.id].includes(signal.runId)));
}

/** What `Signals` promises; to the store itself, since not every engine has others. */
export function describeSignals(open: OpenStore): void {
  describe('signals', () => {
    const claimable = { type: 'claimable' };

    test('a run that is queued is published as claimable', async () => {
      await using fixture = await open();
      const { store } = fixture;
      expect(await heardDuring(store, () => queue(store, { sessionId: null }))).toEqual([claimable]);
      expect(await heardDuring(store, () => queue(store))).toEqual([claimable]);
    });

    test('the next run of a session is published as claimable when the session becomes free', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await queue(store);
      const heard = await heardDuring(store, () => finish(store, run));
      expect(heard).toContainEqual(claimable);
      expect(heard).toContainEqual({ type: 'events', runId: run.id });
    });

    test('a session that becomes free with an empty queue is not published as claimable', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      expect(await heardDuring(store, () => finish(store, run))).toEqual([{ type: 'events', runId: run.id }]);
    });

    test('runs that are handed back, recovered or decided on are published as claimable', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      expect(await heardDuring(store, () => handBack(store, run))).toEqual([claimable]);
      const paused = await pause(store, await claimOne(store));
      const decided = { expected: approval, left: null, entries: noEntries };
      expect(await heardDuring(store, () => store.runs.decide(tenant, paused.id, decided))).toContainEqual(claimable);
      await claimOne(store);
      expect(await heardDuring(store, () => store.runs.recoverOrphans(poison, 10))).toContainEqual(claimable);
    });

    test('recorded events are published with their run; steps alone are not', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const append = (entries: JournalEntries) =>
        heardDuring(store, () => store.journal.append(tenant, run.id, 1, entries));
      expect(await append(oneEvent)).toEqual([{ type: 'events', runId: run.id }]);
      expect(await append({ steps: [newStep(1)], events: [] })).toEqual([]);
    });

    test('events that are recorded with a handback or a decision are published', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const heard = await heardDuring(store, () => store.runs.handBack(tenant, run.id, 1, oneEvent));
      expect(heard).toContainEqual({ type: 'events', runId: run.id });
      const paused = await pause(store, await claimOne(store));
      const entries = { steps: [], events: [newEvent(3)] };
      const decide = () => store.runs.decide(tenant, paused.id, { expected: approval, left: 'more', entries });
      expect(await heardDuring(store, decide)).toEqual([{ type: 'events', runId: run.id }]);
    });

    test('a run that pauses, ends, or is ended by others is published', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const ended = (runId: string) => ({ type: 'events', runId });
      const paused = await start(store);
      expect(await heardDuring(store, () => pause(store, paused))).toEqual([ended(paused.id)]);
      const next = await heardDuring(store, () => interrupt(store));
      expect(next).toContainEqual(ended(paused.id));
      const waiting = await queue(store);
      const cancel = () => store.runs.requestCancel(tenant, waiting.id, cancelled);
      expect(await heardDuring(store, cancel)).toEqual([ended(waiting.id)]);
    });

    test('the cancellation of a running run is published, by a request and by an interruption', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const wish = { type: 'cancel', runId: run.id };
      expect(await heardDuring(store, () => store.runs.requestCancel(tenant, run.id, cancelled))).toEqual([wish]);
      expect(await heardDuring(store, () => interrupt(store))).toEqual([wish]);
    });

    test('what was not written is not published', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, oneEvent);
      const otherEvent = { steps: [], events: [newEvent(2, { type: 'other' })] };
      const heard = await heardDuring(store, async () => {
        await store.journal.append(tenant, run.id, 2, { steps: [], events: [newEvent(3)] });
        await store.journal.append(tenant, run.id, 1, otherEvent).catch(() => {});
        await store.runs.handBack(tenant, run.id, 2, oneEvent);
        await store.runs.handBack(tenant, run.id, 1, otherEvent).catch(() => {});
        await store.runs.decide(tenant, run.id, { expected: null, left: null, entries: noEntries });
        await store.runs.requestCancel(tenant, 'run_unknown', cancelled);
      });
      expect(heard).toEqual([]);
    });

    test('what is published can be read', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const read = new Promise((resolve) => {
        store.signals.subscribe((signal) => {
          if (signal.type === 'events') resolve(store.journal.events(tenant, signal.runId, 0, 10));
        });
      });
      await store.journal.append(tenant, run.id, 1, oneEvent);
      expect(await read).toEqual(oneEvent.events);
    });

    test('a listener that unsubscribed receives no more signals, and others still do', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const first = listen(store);
      using second = listen(store);
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      await store.journal.append(tenant, run.id, 1, oneEvent);
      await second.until('events', run.id);
      expect(first.heard).toEqual([]);
    });

    test('a listener that throws affects neither the write nor the other listeners', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const stop = store.signals.subscribe(() => {
        throw new Error('listener');
      });
      using listener = listen(store);
      expect(await store.journal.append(tenant, run.id, 1, oneEvent)).toBe(true);
      await listener.until('events', run.id);
      stop();
    });
  });
}
