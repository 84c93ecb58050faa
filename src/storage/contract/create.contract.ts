import { describe, expect, test } from 'vitest';
import {
  claim,
  claimIds,
  finish,
  handBack,
  journalOf,
  longAgoMs,
  newRun,
  notYetMs,
  noUsage,
  type OpenStore,
  otherTenant,
  owner,
  pause,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';
import { strings } from './odd-values.contract.ts';

/** What `RunStore.create` promises; see also the line of a session, and idempotency keys. */
export function describeCreate(open: OpenStore): void {
  describe('creating a run', () => {
    test.each([null, 's-1'])(
      'one that was waited for is of when it was asked for, in session %s',
      async (sessionId) => {
        await using fixture = await open();
        const { store } = fixture;
        const before = await start(store, { sessionId: null });
        const waitedMs = 3_600_000;
        const run = await start(store, { sessionId, waitedMs, timeoutMs: 2 * waitedMs });
        expect((run.startedAtMs ?? 0) - run.createdAtMs).toBe(waitedMs);
        expect(run.createdAtMs).toBeLessThan(before.createdAtMs);
        expect(await store.runs.get(tenant, run.id)).toEqual(run);
        await handBack(store, run);
        const [claimed] = await claim(store);
        expect(claimed?.run.id).toBe(run.id);
        expect(claimed?.remainingMs).toBeGreaterThan(waitedMs - 600_000);
        expect(claimed?.remainingMs).toBeLessThanOrEqual(waitedMs);
      },
    );

    test('a run of a new session starts at attempt 1 and holds the session', async () => {
      await using fixture = await open();
      const asked = newRun({ metadata: { channel: 'web', tags: ['a'] }, mode: 'stream', simulated: true, priority: 3 });
      const outcome = await fixture.store.runs.create(asked, 'wait', true);

      const { idempotency, ...decided } = asked;
      const { id } = decided;
      const run = {
        ...decided,
        status: 'running',
        lastAgent: null,
        model: null,
        response: null,
        output: null,
        annotations: null,
        files: null,
        usage: noUsage,
        costUsd: null,
        error: null,
        requiredAction: null,
        drift: false,
        attempt: 1,
        crashes: 0,
        ownerId: owner,
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

    test('runs without a session start side by side and create no session', async () => {
      await using fixture = await open();
      const runs = [await start(fixture.store, { sessionId: null }), await start(fixture.store, { sessionId: null })];
      expect(runs).toMatchObject([
        { status: 'running', sessionId: null, sessionSeqAtStart: null, attempt: 1 },
        { status: 'running', sessionId: null, sessionSeqAtStart: null, attempt: 1 },
      ]);
      expect((await fixture.store.sessions.list(tenant, 10, null)).data).toEqual([]);
    });

    test('the data of its start is recorded with a run as event 2, and only if it starts', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const started = { agent: strings.quotes };
      for (const sessionId of ['s-1', null]) {
        const run = await start(store, { sessionId, started });
        expect((await journalOf(store, run)).events).toEqual([
          { seq: 2, type: 'run.started', attempt: 1, atMs: run.startedAtMs, data: started },
        ]);
        const waiting = await queue(store, { sessionId, started });
        expect((await journalOf(store, waiting)).events).toEqual([]);
      }
      expect((await journalOf(store, await start(store, { sessionId: 's-2' }))).events).toEqual([]);
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

    test('a run that is not to start now is queued, and holds nothing', async () => {
      await using fixture = await open();
      const asked = newRun({ mode: 'background', priority: -2 });
      const outcome = await fixture.store.runs.create(asked, 'reject', false);
      const run = await fixture.store.runs.get(tenant, asked.id);
      expect(outcome).toEqual({ type: 'queued', run });
      expect(run).toMatchObject({ status: 'queued', attempt: 0, ownerId: null, startedAtMs: null, priority: -2 });
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: null, runsCount: 1 });
    });

    test('a run that is not due is queued, whether or not it is in a session', async () => {
      await using fixture = await open();
      const runAtMs = notYetMs;
      for (const sessionId of ['s-1', null]) {
        const asked = newRun({ sessionId, runAtMs });
        const outcome = await fixture.store.runs.create(asked, 'wait', true);
        expect(outcome).toMatchObject({ type: 'queued', run: { status: 'queued', runAtMs } });
        expect(await fixture.store.runs.get(tenant, asked.id)).toMatchObject({ runAtMs });
      }
    });

    test('a scheduled run that is due starts', async () => {
      await using fixture = await open();
      const runAtMs = longAgoMs;
      expect(await start(fixture.store, { runAtMs })).toMatchObject({ status: 'running', runAtMs });
    });

    test('a run of a held session that may wait is queued and holds nothing', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const asked = newRun();
      const outcome = await fixture.store.runs.create(asked, 'wait', true);
      if (outcome.type !== 'queued') throw new Error(`the run was ${outcome.type}`);
      const waiting = outcome.run;
      expect(waiting).toMatchObject({
        status: 'queued',
        attempt: 0,
        startedAtMs: null,
        finishedAtMs: null,
        sessionSeqAtStart: null,
        ownerId: null,
      });
      expect(await fixture.store.runs.get(tenant, waiting.id)).toEqual(waiting);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: holder.id, runsCount: 2 });
    });

    test('a run that does not wait gets the id of the run that holds its session, and nothing is written', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const before = await sessionState(fixture.store);
      const refused = newRun();
      expect(await fixture.store.runs.create(refused, 'reject', true)).toEqual({
        type: 'busy',
        activeRunId: holder.id,
      });
      expect(await fixture.store.runs.get(tenant, refused.id)).toBeNull();
      expect(await sessionState(fixture.store)).toEqual(before);
    });

    test('a session that no run holds but a run is queued for is not free for others', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      const waiting = await queue(fixture.store);
      await finish(fixture.store, holder);
      const busy = await fixture.store.runs.create(newRun(), 'reject', true);
      expect(busy).toEqual({ type: 'busy', activeRunId: waiting.id });
      expect(await fixture.store.runs.create(newRun(), 'wait', true)).toMatchObject({ type: 'queued' });
    });

    test('no run is queued for a session whose run waits for a person', async () => {
      await using fixture = await open();
      const holder = await start(fixture.store);
      await queue(fixture.store);
      await pause(fixture.store, holder);
      const before = await sessionState(fixture.store);
      for (const ifBusy of ['wait', 'reject'] as const) {
        const refused = newRun();
        const outcome = await fixture.store.runs.create(refused, ifBusy, true);
        expect(outcome).toEqual({ type: 'busy', activeRunId: holder.id });
        expect(await fixture.store.runs.get(tenant, refused.id)).toBeNull();
      }
      expect(await sessionState(fixture.store)).toEqual(before);
      expect(await claimIds(fixture.store)).toEqual([]);
    });

    test('`begun` is called with a run that starts before the promise resolves, and with no other run', async () => {
      await using fixture = await open();
      const told: unknown[] = [];
      const create = async (ifBusy: 'wait' | 'reject', startNow: boolean) => {
        const outcome = await fixture.store.runs.create(newRun(), ifBusy, startNow, (run) => told.push(run));
        told.push(outcome.type);
        return outcome;
      };
      const started = await create('wait', true);
      expect(started.type === 'started' && told).toEqual([(started as { run: unknown }).run, 'started']);
      for (const ifBusy of ['wait', 'reject'] as const) await create(ifBusy, true);
      expect(told.slice(1)).toEqual(['started', 'queued', 'busy']);
      await fixture.store.runs.create(newRun({ sessionId: null }), 'wait', false, (run) => told.push(run));
      expect(told).toHaveLength(4);
    });

    test('a run whose id is taken is refused, and the first one stays as it was', async () => {
      await using fixture = await open();
      const run = await start(fixture.store, { sessionId: null });
      const again = newRun({ id: run.id, sessionId: 's-2', input: { text: 'other' } });
      await expect(fixture.store.runs.create(again, 'wait', true)).rejects.not.toMatchObject({
        name: 'ServiceError',
      });
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
}
