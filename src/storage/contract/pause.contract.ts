import { describe, expect, test } from 'vitest';
import {
  approval,
  newRun,
  type OpenStore,
  otherTenant,
  pause,
  processLost,
  queue,
  sessionState,
  start,
  tenant,
} from './fixture.contract.ts';

const paused = {
  lastAgent: null,
  model: null,
  usage: { requests: 0, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 },
  costUsd: null,
  firstTokenMs: null,
  requiredAction: approval,
};

/** Runs that stop for a person. */
export function describePause(open: OpenStore): void {
  describe('pausing a run', () => {
    test('a paused run shows what it waits for, belongs to no process, and keeps its session', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const stored = await pause(fixture.store, run);
      expect(stored).toMatchObject({
        status: 'requires_action',
        requiredAction: approval,
        ownerId: null,
        attempt: 1,
        lastAgent: 'orders',
        model: 'gpt-4.1',
        costUsd: 0.5,
        firstTokenMs: 210,
        finishedAtMs: null,
      });
      expect(stored.usage).toMatchObject({ requests: 1, totalTokens: 12 });
      expect(await fixture.store.runs.get(tenant, run.id)).toEqual(stored);
      expect(await fixture.store.sessions.get(tenant, 's-1')).toMatchObject({ activeRunId: run.id, itemsCount: 0 });
    });

    test('nobody waits for the session of a paused run', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      await pause(fixture.store, run);
      expect(await fixture.store.runs.create(newRun(), 'wait')).toEqual({ type: 'busy', activeRunId: run.id });
    });

    test('a paused run is no orphan when its process dies', async () => {
      await using fixture = await open();
      await pause(fixture.store, await start(fixture.store));
      expect(await fixture.store.runs.failOrphans(processLost, 10)).toEqual([]);
    });

    test('only a running run at its attempt, of its tenant, is paused', async () => {
      await using fixture = await open();
      const run = await start(fixture.store);
      const waiting = await queue(fixture.store);
      const before = await sessionState(fixture.store);
      const { runs } = fixture.store;
      expect(await runs.pause(tenant, run.id, 2, paused)).toBeNull();
      expect(await runs.pause(otherTenant, run.id, 1, paused)).toBeNull();
      expect(await runs.pause(tenant, waiting.id, 0, paused)).toBeNull();
      expect(await runs.get(tenant, run.id)).toEqual(run);
      expect(await sessionState(fixture.store)).toEqual(before);
    });
  });
}
