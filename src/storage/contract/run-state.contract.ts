import { describe, expect, test } from 'vitest';
import type { Json, StepChanges } from '../port/index.ts';
import { finish, journalOf, newStep, type OpenStore, otherTenant, start, tenant } from './fixture.contract.ts';
import { keys, values } from './odd-values.contract.ts';

/** What the port promises of what runs have besides their answer. */
export function describeRunState(open: OpenStore): void {
  describe('the state of a run', () => {
    test('the options of a request are stored with its run', async () => {
      await using fixture = await open();
      const options = { max_turns: 3, odd: values };
      const run = await start(fixture.store, { options });
      expect(run.options).toEqual(options);
      expect((await fixture.store.runs.get(tenant, run.id))?.options).toEqual(options);
      const plain = await start(fixture.store, { sessionId: null });
      expect((await fixture.store.runs.get(tenant, plain.id))?.options).toBeNull();
    });

    test('citations and files are stored with the end of a run', async () => {
      await using fixture = await open();
      const extras = { annotations: [values] as Json, files: [keys] as Json };
      const finished = await finish(fixture.store, await start(fixture.store), extras);
      expect(finished).toMatchObject(extras);
      expect(await fixture.store.runs.get(tenant, finished.id)).toMatchObject(extras);
    });

    test('what the application changed beside a step comes back with it, and is kept if the step is recorded again', async () => {
      await using fixture = await open();
      const { journal } = fixture.store;
      const run = await start(fixture.store);
      const changes: StepChanges = {
        ordinal: 1,
        context: [{ path: [], value: keys }, { path: ['list', 0], value: null }, { path: ['gone'] }],
        hooks: ['agent_start 1'],
      };
      const step = newStep(1, { changes });
      await journal.append(tenant, run.id, 1, { steps: [step], events: [] });
      await journal.append(tenant, run.id, 1, { steps: [{ ...step, replayed: 1 }], events: [] });
      const { steps } = await journalOf(fixture.store, run);
      expect(JSON.stringify(steps.map((each) => each.changes))).toBe(JSON.stringify([changes]));
      expect(JSON.stringify(await journal.changes(tenant, run.id))).toBe(JSON.stringify([changes]));
      expect(await journal.changes(otherTenant, run.id)).toEqual([]);
    });

    test('a step may be one of a workflow', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const step = newStep(1, { kind: 'step', name: 'fetch' });
      await fixture.store.journal.append(tenant, run.id, 1, { steps: [step], events: [] });
      expect((await journalOf(fixture.store, run)).steps).toEqual([step]);
    });

    test('a run leaves its context in the session, and the session tells which run ended last', async () => {
      await using fixture = await open();
      const { sessions } = fixture.store;
      expect(await sessions.context(tenant, 's-1')).toBeNull();
      const first = await start(fixture.store);
      expect(await sessions.context(tenant, 's-1')).toEqual({ context: null, ofRunId: null, lastRunId: null });
      await finish(fixture.store, first, { sessionContext: keys });
      const left = { context: keys, ofRunId: first.id, lastRunId: first.id };
      expect(await sessions.context(tenant, 's-1')).toEqual(left);
      const second = await finish(fixture.store, await start(fixture.store));
      expect(await sessions.context(tenant, 's-1')).toEqual({ ...left, lastRunId: second.id });
      expect(await sessions.context(otherTenant, 's-1')).toBeNull();
    });
  });
}
