import { describe, expect, test } from 'vitest';
import {
  finalRun,
  finish,
  newRun,
  noUsage,
  type OpenStore,
  otherTenant,
  owner,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';

/** What `RunStore.create` and `RunStore.startQueued` promise. */
export function describeCreate(open: OpenStore): void {
  describe('creating a run', () => {
    test('a run of a new session starts at attempt 1 and holds the session', async () => {
      await using fixture = await open();
      const asked = newRun({ metadata: { channel: 'web', tags: ['a'] }, mode: 'stream', simulated: true });
      const outcome = await fixture.store.runs.create(asked, 'wait');

      const { id, ownerId } = asked;
      const run = {
        ...asked,
        status: 'running',
        lastAgent: null,
        model: null,
        response: null,
        output: null,
        usage: noUsage,
        costUsd: null,
        error: null,
        requiredAction: null,
        drift: false,
        attempt: 1,
        crashes: 0,
        ownerId,
        sessionSeqAtStart: 0,
        firstTokenMs: null,
        createdAtMs: expect.any(Number),
        startedAtMs: expect.any(Number),
        finishedAtMs: null,
      };
      expect(outcome).toEqual({ type: 'started', run });
      expect(await fixture.store.runs.get(tenant, id)).toEqual('run' in outcome ? outcome.run : null);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toEqual({
        tenantId: tenant,
        id: 's-1',
        createdAtMs: expect.any(Number),
        updatedAtMs: expect.any(Number),
        itemsCount: 0,
        runsCount: 1,
        lastAgent: null,
        activeRunId: id,
        usage: noUsage,
        costUsd: null,
      });
    });

    test('times are whole milliseconds since the epoch', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      expect(Number.isInteger(run.createdAtMs)).toBe(true);
      expect(run.createdAtMs).toBeGreaterThan(Date.UTC(2024, 0));
      expect(run.createdAtMs).toBeLessThan(Date.UTC(2200, 0));
      expect(run.startedAtMs).toBeGreaterThanOrEqual(run.createdAtMs);
      const session = await fixture.store.sessions.get(tenant, 's-1');
      expect(session).toMatchObject({ createdAtMs: run.createdAtMs, updatedAtMs: run.createdAtMs });
    });

    test('runs without a session start side by side and make no session', async () => {
      await using fixture = await open();
      const runs = [await start(fixture.store, { sessionId: null }), await start(fixture.store, { sessionId: null })];
      expect(runs).toMatchObject([
        { status: 'running', sessionId: null, sessionSeqAtStart: null, attempt: 1 },
        { status: 'running', sessionId: null, sessionSeqAtStart: null, attempt: 1 },
      ]);
      expect((await fixture.store.sessions.list(tenant, 10, null)).data).toEqual([]);
    });

    test('runs of different sessions start side by side', async () => {
      await using fixture = await open();
      await start(fixture.store, { sessionId: 's-1' });
      expect(await start(fixture.store, { sessionId: 's-2' })).toMatchObject({ status: 'running' });
    });

    test('the next run of a free session starts, and knows how many items the session had', async () => {
      await using fixture = await open();
      const first = await start(fixture.store);
      await finish(fixture.store, first, { newItems: [{ n: 1 }, { n: 2 }] });
      const second = await start(fixture.store);
      expect(second).toMatchObject({ status: 'running', attempt: 1, sessionSeqAtStart: 2 });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: second.id, runsCount: 2 });
    });

    test('a run of a held session that may wait is queued and holds nothing', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const waiting = await queue(fixture.store);
      expect(waiting).toMatchObject({
        status: 'queued',
        attempt: 0,
        startedAtMs: null,
        finishedAtMs: null,
        sessionSeqAtStart: null,
        ownerId: owner,
      });
      expect(await fixture.store.runs.get(tenant, waiting.id)).toEqual(waiting);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id, runsCount: 2 });
    });

    test('a run of a held session that would not wait is told who holds it, and nothing is written', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const before = await sessionState(fixture.store);
      const refused = newRun();
      expect(await fixture.store.runs.create(refused, 'reject')).toEqual({ type: 'busy', activeRunId: holder.id });
      expect(await fixture.store.runs.get(tenant, refused.id)).toBeNull();
      expect(await sessionState(fixture.store)).toEqual(before);
    });

    test('a session that nobody holds but somebody waits for is not free for others', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const waiting = await queue(fixture.store);
      await finish(fixture.store, holder);
      const busy = await fixture.store.runs.create(newRun(), 'reject');
      expect(busy).toEqual({ type: 'busy', activeRunId: waiting.id });
      expect(await queue(fixture.store)).toMatchObject({ status: 'queued' });
    });

    test('nobody waits for a session whose run waits for a person', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const early = await queue(fixture.store);
      await fixture.patchRun(holder.id, { status: 'requires_action' });
      const before = await sessionState(fixture.store);
      for (const ifBusy of ['wait', 'reject'] as const) {
        const refused = newRun();
        const outcome = await fixture.store.runs.create(refused, ifBusy);
        expect(outcome).toEqual({ type: 'busy', activeRunId: holder.id });
        expect(await fixture.store.runs.get(tenant, refused.id)).toBeNull();
      }
      expect(await sessionState(fixture.store)).toEqual(before);
      expect(await fixture.store.runs.startQueued(tenant, early.id, owner)).toBeNull();
    });

    test('a run whose id is taken is refused, and the first one stays as it was', async () => {
      await using fixture = await open();
      const run = await start(fixture.store, { sessionId: null });
      const again = newRun({ id: run.id, sessionId: 's-2', message: 'other' });
      await expect(fixture.store.runs.create(again, 'wait')).rejects.toThrow();
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(run);
      expect(await fixture.store.sessions.get(tenant, 's-2')).toBeNull();
    });

    test('a session of the same id in two tenants is two sessions', async () => {
      await using fixture = await open();
      const { runs, sessions } = fixture.store;
      const mine = await start(fixture.store);
      const theirs = await start(fixture.store, { tenantId: otherTenant });
      await finish(fixture.store, mine, { newItems: [{ text: 'mine' }] });

      expect(await sessions.get(otherTenant, 's-1')).toMatchObject({ activeRunId: theirs.id, itemsCount: 0 });
      expect(await sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null, itemsCount: 1 });
      expect(await runs.get(otherTenant, mine.id)).toBeNull();
      expect(await sessions.history(otherTenant, 's-1', 10)).toEqual([]);
      expect(await sessions.history(tenant, 's-1', 10)).toEqual([{ text: 'mine' }]);
    });
  });

  describe('the line of a session', () => {
    test('waiting runs start in order of arrival, each when the one before has ended', async () => {
      await using fixture = await open();
      const { runs } = fixture.store;
      let holder = await start(fixture.store);
      // Ids that fall while arrivals rise: the order is the arrival, not the id.
      const ids = ['run_c', 'run_b', 'run_a'];
      for (const id of ids) await queue(fixture.store, { id });

      for (const [index, id] of ids.entries()) {
        for (const waiting of ids.slice(index)) expect(await runs.startQueued(tenant, waiting, owner)).toBeNull();
        await finish(fixture.store, holder);
        for (const later of ids.slice(index + 1)) expect(await runs.startQueued(tenant, later, owner)).toBeNull();
        const started = await runs.startQueued(tenant, id, owner);
        if (started === null) throw new Error(`run ${id} did not start in its turn`);
        holder = started;
      }
    });

    test("a tenant's runs do not wait behind those of another tenant in a session of the same name", async () => {
      await using fixture = await open();
      const { runs } = fixture.store;
      const theirs = await start(fixture.store, { tenantId: otherTenant });
      const theirWaiting = await queue(fixture.store, { tenantId: otherTenant });
      await finish(fixture.store, theirs);
      const mine = await start(fixture.store);
      const myWaiting = await queue(fixture.store);
      await finish(fixture.store, mine);
      expect(await runs.startQueued(tenant, myWaiting.id, owner)).toMatchObject({ status: 'running' });
      expect(await runs.startQueued(otherTenant, theirWaiting.id, owner)).toMatchObject({ status: 'running' });
    });

    test('a run that starts after waiting holds the session and sees the items written meanwhile', async () => {
      await using fixture = await open();
      const first = await start(fixture.store);
      const second = await queue(fixture.store);
      await finish(fixture.store, first, { newItems: [{ n: 1 }] });
      const started = await fixture.store.runs.startQueued(tenant, second.id, 'proc_other');
      expect(started).toEqual({
        ...second,
        status: 'running',
        attempt: 1,
        ownerId: 'proc_other',
        sessionSeqAtStart: 1,
        startedAtMs: expect.any(Number),
      });
      expect(await fixture.store.runs.get(tenant, second.id)).toEqual(started);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: second.id });
      expect(await fixture.store.runs.create(newRun(), 'reject')).toEqual({ type: 'busy', activeRunId: second.id });
    });

    test('a run that is not queued is not started again', async () => {
      await using fixture = await open();
      const { runs } = fixture.store;
      const run = await start(fixture.store, { sessionId: null });
      expect(await runs.startQueued(tenant, run.id, owner)).toBeNull();
      await finish(fixture.store, run);
      expect(await runs.startQueued(tenant, run.id, owner)).toBeNull();
      expect(await runs.startQueued(tenant, 'run_unknown', owner)).toBeNull();
      expect(await runs.get(tenant, run.id)).toMatchObject({ status: 'completed', attempt: 1 });
    });

    test("another tenant can neither start nor end a run that is not the tenant's own", async () => {
      await using fixture = await open();
      const { runs } = fixture.store;
      const first = await start(fixture.store);
      const second = await queue(fixture.store);
      const finishByOther = await runs.finish(otherTenant, first.id, 1, finalRun({ newItems: [{ n: 1 }] }));
      expect(finishByOther).toBeNull();
      expect(await runs.get(tenant, first.id)).toEqual(first);
      await finish(fixture.store, first);
      expect(await runs.startQueued(otherTenant, second.id, owner)).toBeNull();
      expect(await runs.get(tenant, second.id)).toEqual(second);
    });

    test('a run that gave up waiting leaves the line, and the one behind it is next', async () => {
      await using fixture = await open();
      const { runs, sessions } = fixture.store;
      const holder = await start(fixture.store);
      const impatient = await queue(fixture.store);
      const patient = await queue(fixture.store);

      const error = { code: 'run_timed_out', detail: 'Agent run timed out.', retryable: false };
      const ended = await runs.finish(
        tenant,
        impatient.id,
        0,
        finalRun({ status: 'timed_out', lastAgent: null, model: null, response: null, error }),
      );
      expect(ended).toMatchObject({ status: 'timed_out', attempt: 0, startedAtMs: null, error });
      expect(ended?.finishedAtMs).toEqual(expect.any(Number));
      expect(await sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id });

      await finish(fixture.store, holder);
      expect(await runs.startQueued(tenant, impatient.id, owner)).toBeNull();
      expect(await runs.startQueued(tenant, patient.id, owner)).toMatchObject({ status: 'running' });
    });
  });
}
