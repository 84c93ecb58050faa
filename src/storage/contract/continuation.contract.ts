import { describe, expect, test } from 'vitest';
import type { Store } from '../port/index.ts';
import {
  claim,
  claimOne,
  finish,
  handBack,
  interrupt,
  journalOf,
  live,
  newRun,
  type OpenStore,
  owner,
  pause,
  processInfo,
  queue,
  start,
  tenant,
} from './fixture.contract.ts';

/** A run that goes on with the last agent of its session; its own is the entry agent. */
const continuing = { agent: 'triage', continues: true, started: { agent: 'triage' } };

const agentOf = async (store: Store, runId: string) => (await store.runs.get(tenant, runId))?.agent;

/** With which agent the next run of a session begins. */
export function describeContinuation(open: OpenStore): void {
  describe('a run that goes on with the last agent of its session', () => {
    test('begins with that agent if it starts at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      await finish(store, await start(store), { lastAgent: 'orders' });
      const begun: string[] = [];
      const outcome = await store.runs.create(newRun(continuing), 'wait', true, ({ agent }) => begun.push(agent));
      expect(outcome).toMatchObject({ type: 'started', run: { agent: 'orders' } });
      expect(begun).toEqual(['orders']);
      const { run } = outcome as { run: Awaited<ReturnType<typeof start>> };
      expect(await store.runs.get(tenant, run.id)).toEqual(run);
      expect((await journalOf(store, run)).events).toMatchObject([{ type: 'run.started', data: { agent: 'orders' } }]);
    });

    test('begins with the agent that the run before it in the queue ends with', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      const first = await start(store);
      const second = await queue(store, continuing);
      const third = await queue(store, continuing);
      expect([second.agent, third.agent]).toEqual(['triage', 'triage']);
      await finish(store, first, { lastAgent: 'orders' });
      const claimed = await claimOne(store);
      expect(claimed).toMatchObject({ id: second.id, agent: 'orders' });
      expect(await agentOf(store, second.id)).toBe('orders');
      await finish(store, claimed, { lastAgent: 'triage' });
      expect(await claimOne(store)).toMatchObject({ id: third.id, agent: 'triage' });
    });

    test('begins with its own agent in a session that is new, and where no run ended with an agent', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      const first = await start(store, continuing);
      expect(first.agent).toBe('triage');
      await finish(store, first, { status: 'failed', lastAgent: null });
      expect((await start(store, continuing)).agent).toBe('triage');
    });

    test('begins with its own agent if the process that begins it does not have the last one', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await store.processes.register({ ...processInfo(owner), agents: ['triage', 'other'] }, 3_600_000);
      await live(store, 'proc_2');
      await finish(store, await start(store), { lastAgent: 'orders' });
      const here = await start(store, continuing);
      expect(here.agent).toBe('triage');
      const elsewhere = await queue(store, continuing);
      await finish(store, here, { lastAgent: 'orders' });
      expect(await claimOne(store, 'proc_2')).toMatchObject({ id: elsewhere.id, agent: 'orders' });
    });

    test('keeps the agent that it began with when it goes on after a hand-back or an approval', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      await finish(store, await start(store), { lastAgent: 'orders' });
      const run = await start(store, continuing);
      await handBack(store, run);
      await store.processes.register({ ...processInfo(owner), agents: ['triage'] }, 3_600_000);
      const again = await claimOne(store);
      expect(again).toMatchObject({ id: run.id, agent: 'orders', attempt: 2 });
      const paused = await pause(store, again, { lastAgent: 'triage' });
      expect(paused.agent).toBe('orders');
    });

    test('begins with the last agent, also where it interrupts the run before', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      await finish(store, await start(store), { lastAgent: 'orders' });
      const paused = await pause(store, await start(store));
      const next = await interrupt(store, continuing);
      expect(next).toMatchObject({ status: 'running', agent: 'orders' });
      expect(await store.runs.get(tenant, paused.id)).toMatchObject({ status: 'cancelled' });
    });

    test('does not change runs that name their agent', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, owner);
      await finish(store, await start(store), { lastAgent: 'orders' });
      const run = await start(store, { agent: 'triage' });
      const next = await queue(store, { agent: 'triage' });
      expect(run.agent).toBe('triage');
      await finish(store, run, { lastAgent: 'orders' });
      expect(await claim(store)).toMatchObject([{ run: { id: next.id, agent: 'triage' } }]);
    });
  });
}
