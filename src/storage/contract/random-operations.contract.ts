import { describe, expect, test } from 'vitest';
import type { IfBusy, JournalEntries, Run, Store } from '../port/index.ts';
import {
  cancelled,
  centuriesMs,
  claim,
  dead,
  finalRun,
  idsOf,
  live,
  longAgoMs,
  newEvent,
  newRun,
  newStep,
  noEntries,
  notYetMs,
  type OpenStore,
  pausedRun,
  poison,
  type StoreFixture,
} from './fixture.contract.ts';
import { allRuns, expectSessionsConsistent, tenants } from './integrity.contract.ts';

const sessionIds = ['s-0', 's-1', 's-2'];
const processIds = ['proc_live', 'proc_dead'];

/** Small and repeatable (Marsaglia, "Xorshift RNGs", 2003); gives whole numbers below `limit`. */
function createDice(seed: number) {
  let state = seed;
  const roll = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  const pick = <T>(from: readonly T[]): T => from[roll(from.length)] as T;
  return { roll, pick };
}

type Dice = ReturnType<typeof createDice>;

/** What an executor would record next of a run: a step, and an event. */
async function nextEntries(store: Store, run: Run, type = 'text.delta'): Promise<JournalEntries> {
  const events = await store.journal.events(run.tenantId, run.id, 0, 10_000);
  const seq = (events.at(-1)?.seq ?? 1) + 1;
  const entries = { steps: [newStep(seq)], events: [newEvent(seq, { type, attempt: run.attempt, data: {} })] };
  return entries;
}

/** Ends a run in the way of an executor. */
async function complete(store: Store, run: Run): Promise<Run | null> {
  const entries = await nextEntries(store, run, 'run.completed');
  const final = finalRun({ newItems: [{ run: run.id }, { run: run.id }], entries });
  return store.runs.finish(run, final);
}

/**
 * What the acts of a storm share: where it happens, the runs that it made, and those among them that a session which was
 * deleted may have taken with it: all that had been made in it by then.
 */
type Storm = { fixture: StoreFixture; dice: Dice; runs: Run[]; mayBeGone: Set<string> };

/** The time of a run comes. */
async function becomeDue(fixture: StoreFixture, run: Run): Promise<void> {
  if (run.runAtMs === notYetMs) await fixture.ageRun(run.id, centuriesMs);
}

type Act = (store: Store, storm: Storm) => Promise<unknown>;

const deleteSession: Act = async (store, { dice, runs, mayBeGone }) => {
  const [tenantId, sessionId] = [dice.pick(tenants), dice.pick(sessionIds)];
  const { type } = await store.sessions.delete(tenantId, sessionId);
  if (type !== 'deleted') return;
  for (const run of runs) if (run.tenantId === tenantId && run.sessionId === sessionId) mayBeGone.add(run.id);
};

const create: Act = async (store, { dice, runs }) => {
  const asked = newRun({
    tenantId: dice.pick(tenants),
    sessionId: dice.roll(6) === 0 ? null : dice.pick(sessionIds),
    mode: dice.pick(['blocking', 'background']),
    priority: dice.roll(3),
    runAtMs: dice.pick([null, null, null, longAgoMs, notYetMs]),
    ownerId: dice.pick(processIds),
    idempotency: dice.roll(4) === 0 ? { key: `key-${dice.roll(20)}`, fingerprint: 'f', ttlMs: 60_000 } : null,
  });
  const ifBusy = dice.pick<IfBusy>(['wait', 'wait', 'wait', 'reject', 'interrupt']);
  const outcome = await store.runs.create(asked, ifBusy, dice.roll(3) > 0);
  if (outcome.type === 'started' || outcome.type === 'queued') runs.push(outcome.run);
};

/** Something that happens to one run, at the attempt at which it stands when it is looked up. */
const withRun =
  (act: (store: Store, run: Run, storm: Storm) => Promise<unknown>): Act =>
  async (store, storm) => {
    const { dice, runs } = storm;
    if (runs.length === 0) return;
    const { id } = dice.pick(runs);
    const [mine, theirs] = await Promise.all(tenants.map((each) => store.runs.get(each, id)));
    const run = mine ?? theirs;
    if (run) await act(store, run, storm);
  };

const acts: Act[] = [
  create,
  create,
  create,
  create,
  (store, { dice }) =>
    claim(
      store,
      { limit: dice.roll(4), backgroundMax: dice.roll(3), crashed: dice.roll(2) > 0 },
      dice.pick(processIds),
    ),
  (store, { dice }) => claim(store, { limit: 3 }, dice.pick(processIds)),
  (store) => store.runs.recoverOrphans(poison, 3),
  deleteSession,
  (store) => store.retention.pruneDeleted(3),
  withRun(complete),
  withRun(complete),
  withRun(async (store, run) => store.journal.append(run.tenantId, run.id, run.attempt, await nextEntries(store, run))),
  withRun(async (store, run) =>
    store.runs.pause(run.tenantId, run.id, run.attempt, pausedRun({ entries: await nextEntries(store, run) })),
  ),
  withRun(async (store, run) => store.runs.handBack(run.tenantId, run.id, run.attempt, await nextEntries(store, run))),
  withRun((store, run) =>
    store.runs.decide(run.tenantId, run.id, { expected: run.requiredAction, left: null, entries: noEntries }),
  ),
  withRun((store, run) => store.runs.requestCancel(run.tenantId, run.id, cancelled)),
  withRun((_store, run, { fixture }) => becomeDue(fixture, run)),
];

/** Two executors of one attempt may record the same number: one of them is refused by the database, as it should be. */
function ignoreRefusals(error: unknown): void {
  if (error instanceof Error && error.name !== 'ServiceError' && /unique|duplicate|already/i.test(error.message))
    return;
  throw error;
}

/** Does what is left to do, whatever state the storm left it in: every run must come to its end. */
async function drain(fixture: StoreFixture, runs: Run[]): Promise<void> {
  const { store } = fixture;
  const roundsMax = runs.length + 10;
  for (let round = 0; round < roundsMax; round += 1) {
    for (const run of await allRuns(store)) {
      await becomeDue(fixture, run);
      if (run.status === 'running') await complete(store, run);
      if (run.status !== 'requires_action') continue;
      const decided = { expected: run.requiredAction, left: null, entries: noEntries };
      await store.runs.decide(run.tenantId, run.id, decided);
    }
    await claim(store, {}, 'proc_live');
    const counts = await store.runs.countUnfinished();
    if (counts.queued + counts.running + counts.requires_action === 0) return;
  }
  throw new Error(`after ${roundsMax} rounds there are still ${JSON.stringify(await store.runs.countUnfinished())}`);
}

/** What holds of the store after anything whatever was done to it by two processes. */
export function describeRandomOperations(open: OpenStore): void {
  describe('a random sequence of operations', () => {
    for (const seed of [20_250_811, 4_711, 99]) {
      test(`leaves every session consistent, and every run ended: seed ${seed}`, async () => {
        await using fixture = await open();
        const stores = [fixture.store, await fixture.join()];
        await live(fixture.store, 'proc_live');
        await dead(fixture.store, 'proc_dead');
        const dice = createDice(seed);
        const runs: Run[] = [];
        const mayBeGone = new Set<string>();
        const lane = async (): Promise<void> => {
          for (let n = 0; n < 60; n += 1)
            await dice.pick(acts)(dice.pick(stores), { fixture, dice, runs, mayBeGone }).catch(ignoreRefusals);
        };
        await Promise.all(Array.from({ length: 16 }, lane));

        const before = await allRuns(fixture.store);
        expect(before.length).toBeGreaterThan(100);
        const [found, made] = [new Set(idsOf(before)), new Set(idsOf(runs))];
        expect([...found].filter((id) => !made.has(id))).toEqual([]);
        expect([...made].filter((id) => !found.has(id) && !mayBeGone.has(id))).toEqual([]);
        await expectSessionsConsistent(fixture.store);

        await drain(fixture, before);
        const after = await allRuns(fixture.store);
        expect(new Set(idsOf(after))).toEqual(found);
        await expectSessionsConsistent(fixture.store);
        for (const run of after) {
          const events = await fixture.store.journal.events(run.tenantId, run.id, 0, 10_000);
          expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, n) => n + 2));
          const ends = events.filter(({ type }) => /^run\.(completed|failed|cancelled|timed_out)$/.test(type));
          expect(ends).toEqual([events.at(-1)]);
          expect(ends[0]?.type).toBe(`run.${run.status}`);
        }
      });
    }
  });
}
