import { expect } from 'vitest';
import type { Run, Store } from '../port/index.ts';
import { idsOf, otherTenant, tenant } from './fixture.contract.ts';

export const tenants = [tenant, otherTenant];

const unfinished = ['queued', 'running', 'requires_action'];

/** Every run of every tenant, in order of creation. */
export async function allRuns(store: Store): Promise<Run[]> {
  const runs: Run[] = [];
  for (const tenantId of tenants) {
    for (let before: string | null = null; ; ) {
      const page = await store.runs.list(tenantId, {}, 200, before);
      runs.push(...page.data);
      before = page.next;
      if (before === null) break;
    }
  }
  return runs;
}

/** The run that holds a session is unfinished and of that session; a run that is running or paused holds its session. */
export async function expectSessionsConsistent(store: Store): Promise<void> {
  const runs = await allRuns(store);
  for (const tenantId of tenants) {
    for (const session of (await store.sessions.list(tenantId, 200, null)).data) {
      const own = runs.filter((run) => run.tenantId === tenantId && run.sessionId === session.id);
      const executing = own.filter(({ status }) => status === 'running' || status === 'requires_action');
      for (const { id } of executing) expect(session.activeRunId).toBe(id);
      if (session.activeRunId !== null) {
        expect(idsOf(own.filter(({ status }) => unfinished.includes(status)))).toContain(session.activeRunId);
      }
      const { data, next } = await store.sessions.items(tenantId, session.id, 10_000, 0);
      expect(next).toBeNull();
      expect(data.map(({ seq }) => seq)).toEqual(Array.from({ length: session.itemsCount }, (_, n) => n + 1));
      // The items of a run are consecutive: histories are never interleaved.
      const changes = data.filter(({ runId }, n) => data[n - 1]?.runId !== runId);
      expect(new Set(changes.map(({ runId }) => runId)).size).toBe(changes.length);
    }
  }
}
