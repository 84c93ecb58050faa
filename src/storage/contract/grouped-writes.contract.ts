import { describe, expect, test } from 'vitest';
import { finalRun, journalOf, newEvent, newRun, newStep, type OpenStore, start, tenant } from './fixture.contract.ts';
import { strings } from './odd-values.contract.ts';

const count = 30;
const numbers = Array.from({ length: count }, (_, n) => n);

/** What happens to many runs at the same moment, which an engine may write together, is what happens to each alone. */
export function describeGroupedWrites(open: OpenStore): void {
  describe('at the same moment', () => {
    test('runs that are created are each stored as requested', async () => {
      await using fixture = await open();
      const messages = [...Object.values(strings), ...numbers.map((n) => `message ${n}`)];
      const asked = messages.map((message, n) =>
        newRun({
          sessionId: n % 3 === 0 ? `s-${n}` : null,
          input: { text: message },
          metadata: { n },
          started: { agent: `agent ${n}` },
        }),
      );
      const outcomes = await Promise.all(asked.map((run) => fixture.store.runs.create(run, 'wait', true)));
      for (const [n, { id, input }] of asked.entries()) {
        const run = await fixture.store.runs.get(tenant, id);
        expect(outcomes[n]).toEqual({ type: 'started', run });
        expect(run).toMatchObject({ id, input, metadata: { n } });
        expect((await journalOf(fixture.store, { tenantId: tenant, id })).events).toMatchObject([
          { seq: 2, type: 'run.started', data: { agent: `agent ${n}` } },
        ]);
      }
    });

    test('a run whose id is taken is refused alone', async () => {
      await using fixture = await open();
      const { id } = await start(fixture.store, { sessionId: null });
      const asked = numbers.map((n) => newRun({ sessionId: null, ...(n === 7 ? { id } : {}) }));
      const outcomes = await Promise.allSettled(asked.map((run) => fixture.store.runs.create(run, 'wait', true)));
      expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([7]);
      expect(outcomes[7]).not.toMatchObject({ reason: { name: 'ServiceError' } });
      const stored = await Promise.all(asked.map((run) => fixture.store.runs.get(tenant, run.id)));
      expect(stored.every((run) => run?.status === 'running')).toBe(true);
    });

    test('runs that end are each stored with their own end and journal, and one that is at another attempt is not', async () => {
      await using fixture = await open();
      const { runs } = fixture.store;
      const started = await Promise.all(numbers.map(() => start(fixture.store, { sessionId: null })));
      const finals = numbers.map((n) =>
        finalRun({
          response: `${Object.values(strings)[n % 11]} ${n}`,
          output: { n },
          costUsd: n / 10,
          entries: { steps: [newStep(1, { output: { n } })], events: [newEvent(2, { data: { n } })] },
        }),
      );
      const ended = await Promise.all(
        started.toReversed().map((run, index) => {
          const n = count - 1 - index;
          return runs.finish({ ...run, attempt: n === 3 ? 2 : 1 }, finals[n] as (typeof finals)[number]);
        }),
      );
      for (const [n, { id }] of started.entries()) {
        const run = ended[count - 1 - n];
        const journal = await journalOf(fixture.store, { tenantId: tenant, id });
        if (n === 3) {
          expect([run, journal]).toEqual([null, { steps: [], events: [] }]);
          continue;
        }
        expect(run).toMatchObject({
          id,
          status: 'completed',
          ownerId: null,
          response: finals[n]?.response,
          output: { n },
        });
        expect(run?.costUsd).toBe(n / 10);
        expect(await runs.get(tenant, id)).toEqual(run);
        expect(journal).toMatchObject({ steps: [{ output: { n } }], events: [{ seq: 2, data: { n } }] });
      }
    });

    test('a run that is ended several times ends once', async () => {
      await using fixture = await open();
      const run = await start(fixture.store, { sessionId: null });
      const ends = ['one', 'two', 'three'].map((response) => finalRun({ response }));
      const ended = await Promise.all(ends.map((final) => fixture.store.runs.finish(run, final)));
      expect(ended.filter((each) => each !== null)).toHaveLength(1);
      const winner = ended.findIndex((each) => each !== null);
      expect(await fixture.store.runs.get(tenant, run.id)).toMatchObject({ response: ends[winner]?.response });
    });

    test('a run whose end cannot be recorded fails alone', async () => {
      await using fixture = await open();
      const started = await Promise.all(numbers.map(() => start(fixture.store, { sessionId: null })));
      const twice = { steps: [], events: [newEvent(2), newEvent(3)] };
      const taken = { steps: [newStep(1, { key: 'same' }), newStep(2, { key: 'same' })], events: [] };
      const ended = await Promise.allSettled(
        started.map((run, n) => fixture.store.runs.finish(run, finalRun({ entries: n === 5 ? taken : twice }))),
      );
      expect(ended.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([5]);
      expect(await fixture.store.runs.get(tenant, started[5]?.id ?? '')).toMatchObject({ status: 'running' });
      expect(await fixture.store.runs.get(tenant, started[6]?.id ?? '')).toMatchObject({ status: 'completed' });
    });
  });
}
