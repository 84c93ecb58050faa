import { describe, expect, test } from 'vitest';
import type { Step, StoredEvent } from '../port/index.ts';
import {
  claimOne,
  finish,
  handBack,
  journalOf,
  newEvent,
  newStep,
  noEntries,
  type OpenStore,
  otherTenant,
  pause,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';
import { keys, strings, values } from './odd-values.contract.ts';

/** What `JournalStore` promises. */
export function describeJournal(open: OpenStore): void {
  describe('the journal of a run', () => {
    test('what is recorded comes back whole, steps by number and events in order', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const model = newStep(1);
      const tool = newStep(2, {
        key: 'tool:call_1',
        kind: 'tool_call',
        scope: 'model:1/call_1',
        name: 'lookup_order',
        agent: null,
        callId: 'call_1',
        status: 'started',
        effect: 'once',
        idempotencyKey: `${run.id}:call_1`,
        input: { orderId: 7 },
        output: null,
        isError: true,
        error: { code: 'E', detail: 'no' },
        provider: null,
        model: null,
        usage: null,
        costUsd: null,
        requestDigest: null,
        drift: true,
        replayed: 2,
        firstTokenMs: null,
        durationMs: null,
      });
      const events = [newEvent(2, { type: 'run.started', data: { agent: 'triage' } }), newEvent(3)];
      const { journal } = fixture.store;
      expect(await journal.append(tenant, run.id, 1, { steps: [tool, model], events })).toBe(true);
      expect(await journalOf(fixture.store, run)).toEqual({ steps: [model, tool], events });
    });

    test('a first text that may be shown early is recorded all the same, and refused for an old attempt', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const entries = { steps: [], events: [newEvent(2)] };
      const { journal } = fixture.store;
      expect(await journal.append(tenant, run.id, 1, entries, true)).toBe(true);
      expect(await journalOf(fixture.store, run)).toEqual(entries);
      expect(await journal.append(tenant, run.id, 2, { steps: [], events: [newEvent(3)] }, true)).toBe(false);
      await expect(journal.append(otherTenant, run.id, 1, { steps: [], events: [newEvent(3)] }, true)).resolves.toBe(
        false,
      );
      expect(await journalOf(await fixture.reopen(), run)).toEqual(entries);
    });

    test('a run that has just begun has an empty journal: its first event follows from the run', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      expect(await journalOf(fixture.store, run)).toEqual(noEntries);
    });

    test('a step that is recorded again is as it was recorded last', async () => {
      await using fixture = await open();
      const { journal } = fixture.store;
      const run = await start(fixture.store);
      const started = newStep(1, { status: 'started', output: null, usage: null, costUsd: null, durationMs: null });
      const completed = newStep(1, { attempt: 2, replayed: 1, drift: true, isError: true, key: 'model:other' });
      await journal.append(tenant, run.id, 1, { steps: [started, newStep(2)], events: [] });
      await journal.append(tenant, run.id, 1, { steps: [completed], events: [] });
      expect(await journal.steps(tenant, run.id)).toEqual([completed, newStep(2)]);
    });

    test('a step may be recorded twice in one go; the later one counts', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const steps = [newStep(1, { status: 'started' }), newStep(1, { durationMs: 5 })];
      expect(await fixture.store.journal.append(tenant, run.id, 1, { steps, events: [] })).toBe(true);
      expect(await fixture.store.journal.steps(tenant, run.id)).toEqual([steps[1]]);
    });

    test('entries of one run are recorded in the order in which they were appended, without waiting between', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const appended = Array.from({ length: 50 }, (_, n) =>
        fixture.store.journal.append(tenant, run.id, 1, {
          steps: [newStep(1, { durationMs: n })],
          events: [newEvent(n + 2)],
        }),
      );
      expect(new Set(await Promise.all(appended))).toEqual(new Set([true]));
      const { steps, events } = await journalOf(fixture.store, run);
      expect(steps).toEqual([newStep(1, { durationMs: 49 })]);
      expect(events).toEqual(Array.from({ length: 50 }, (_, n) => newEvent(n + 2)));
    });

    test('entries of many runs that arrive together stay apart', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs = await Promise.all(Array.from({ length: 40 }, () => start(store, { sessionId: null })));
      const entriesOf = (n: number) => ({
        steps: [newStep(1, { input: n }), newStep(2, { input: n })],
        events: [newEvent(2, { data: { n } })],
      });
      // Every fourth is of an attempt that is not the current one.
      const attemptOf = (n: number) => (n % 4 === 3 ? 2 : 1);
      const appended = runs.map(({ id }, n) => store.journal.append(tenant, id, attemptOf(n), entriesOf(n)));
      expect(await Promise.all(appended)).toEqual(runs.map((_run, n) => attemptOf(n) === 1));
      for (const [n, run] of runs.entries()) {
        expect(await journalOf(store, run)).toEqual(attemptOf(n) === 1 ? entriesOf(n) : noEntries);
      }
    });

    test('an empty append succeeds too, as long as the run is running', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      expect(await fixture.store.journal.append(tenant, run.id, 1, noEntries)).toBe(true);
      expect(await fixture.store.journal.append(tenant, run.id, 2, noEntries)).toBe(false);
    });

    test('nothing is recorded at another attempt, for another tenant, or for an unknown run', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      const entries = { steps: [newStep(1)], events: [newEvent(2)] };
      for (const attempt of [0, 2]) expect(await store.journal.append(tenant, run.id, attempt, entries)).toBe(false);
      expect(await store.journal.append(otherTenant, run.id, 1, entries)).toBe(false);
      expect(await store.journal.append(tenant, 'run_unknown', 1, entries)).toBe(false);
      expect(await journalOf(store, run)).toEqual(noEntries);
    });

    test('nothing is recorded while the run is not running', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const waiting = await queue(store, { sessionId: null });
      const paused = await pause(store, await start(store, { sessionId: null }));
      const ended = await finish(store, await start(store, { sessionId: null }));
      const returned = await start(store, { sessionId: null });
      await handBack(store, returned);
      for (const run of [waiting, paused, ended, returned]) {
        const entries = { steps: [newStep(1)], events: [newEvent(2)] };
        expect(await store.journal.append(tenant, run.id, run.attempt, entries)).toBe(false);
        expect(await journalOf(store, run)).toEqual(noEntries);
      }
    });

    test('the journal of a run continues in its next attempt', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2)] });
      await handBack(store, run);
      const again = await claimOne(store);
      const second = { steps: [newStep(2, { attempt: 2 })], events: [newEvent(3, { attempt: 2 })] };
      expect(await store.journal.append(tenant, run.id, again.attempt, second)).toBe(true);
      expect(await journalOf(store, run)).toEqual({
        steps: [newStep(1), ...second.steps],
        events: [newEvent(2), ...second.events],
      });
    });

    test('a recorded event is never overwritten, and the entries beside the second one are not recorded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store);
      await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2), newEvent(3)] });
      const again = { steps: [newStep(1)], events: [newEvent(4), newEvent(3, { type: 'other' })] };
      await expect(store.journal.append(tenant, run.id, 1, again)).rejects.not.toMatchObject({ name: 'ServiceError' });
      expect(await journalOf(store, run)).toEqual({ steps: [], events: [newEvent(2), newEvent(3)] });
    });

    test('two steps of a run cannot have one key, two runs can; the entries beside the second are not recorded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { sessionId: null });
      const other = await start(store, { sessionId: null });
      await store.journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [] });
      const same = { steps: [newStep(2, { key: 'model:1' })], events: [newEvent(2)] };
      await expect(store.journal.append(tenant, run.id, 1, same)).rejects.not.toMatchObject({ name: 'ServiceError' });
      expect(await journalOf(store, run)).toEqual({ steps: [newStep(1)], events: [] });
      expect(await store.journal.append(tenant, other.id, 1, same)).toBe(true);
    });

    test('one append that fails affects no other', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const runs = await Promise.all(Array.from({ length: 12 }, () => start(store, { sessionId: null })));
      // The event twice: every third append is at fault.
      const eventsOf = (n: number) => (n % 3 === 0 ? [newEvent(2), newEvent(2)] : [newEvent(2)]);
      const settled = await Promise.allSettled(
        runs.map(({ id }, n) => store.journal.append(tenant, id, 1, { steps: [newStep(1)], events: eventsOf(n) })),
      );
      expect(settled.map(({ status }) => status)).toEqual(
        runs.map((_run, n) => (n % 3 === 0 ? 'rejected' : 'fulfilled')),
      );
      for (const [n, run] of runs.entries()) {
        expect(await store.journal.steps(tenant, run.id)).toHaveLength(n % 3 === 0 ? 0 : 1);
      }
    });

    test('another tenant sees neither steps nor events', async () => {
      await using fixture = await open();
      const { journal } = fixture.store;
      const run = await start(fixture.store);
      await journal.append(tenant, run.id, 1, { steps: [newStep(1)], events: [newEvent(2)] });
      expect(await journal.steps(otherTenant, run.id)).toEqual([]);
      expect(await journal.events(otherTenant, run.id, 0, 10)).toEqual([]);
    });

    test('a thousand events are read page by page, each once, in order', async () => {
      await using fixture = await open();
      const { journal } = fixture.store;
      const run = await start(fixture.store);
      const events = Array.from({ length: 1_000 }, (_, n) => newEvent(n + 2));
      await journal.append(tenant, run.id, 1, { steps: [], events });
      for (const limit of [1_000, 333, 64]) {
        const read: StoredEvent[] = [];
        for (let after = 0; read.length < 1_000; after = read.at(-1)?.seq ?? 0) {
          const page = await journal.events(tenant, run.id, after, limit);
          expect(page).toHaveLength(Math.min(limit, 1_000 - read.length));
          read.push(...page);
        }
        expect(read).toEqual(events);
      }
      expect(await journal.events(tenant, run.id, 1_001, 10)).toEqual([]);
      expect(await journal.events(tenant, run.id, 1_000, 10)).toEqual([newEvent(1_001)]);
    });
  });

  describe('a value in a journal', () => {
    for (const [name, text] of Object.entries(strings)) {
      test(`comes back as it went in: ${name}`, async () => {
        await using fixture = await open();
        const run = await start(fixture.store);
        const texts: Partial<Step> = {
          scope: text,
          name: text,
          agent: text,
          callId: text,
          effect: text,
          idempotencyKey: text,
          provider: text,
          model: text,
          requestDigest: text,
          input: text,
          output: { [text]: text },
          error: [text],
        };
        // Keys that differ stay different, however odd they are.
        const steps = [
          newStep(1, { ...texts, key: text }),
          newStep(2, { ...texts, key: JSON.stringify(text) }),
          newStep(3, { ...texts, key: `${text}.` }),
        ];
        const events = [newEvent(2, { data: { [text]: text, values, keys } })];
        await fixture.store.journal.append(tenant, run.id, 1, { steps, events });
        // Byte by byte: matchers look past lone surrogates and the order of keys.
        expect(JSON.stringify(await journalOf(fixture.store, run))).toBe(JSON.stringify({ steps, events }));
      });
    }

    test('a megabyte in one step comes back as it went in', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const input = '👩‍🚀\u0000"'.repeat(100_000).slice(0, 2 ** 20);
      await fixture.store.journal.append(tenant, run.id, 1, { steps: [newStep(1, { input })], events: [] });
      const [step] = await fixture.store.journal.steps(tenant, run.id);
      expect(step?.input === input).toBe(true);
    });
  });
}
