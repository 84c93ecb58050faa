import { afterEach, describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import type { ClaimedRun, ClaimOptions, Run, Signal, Store } from '../../storage/port/index.ts';
import { createActiveRuns } from '../active-runs.ts';
import { createAdmission } from '../admission/admission.ts';
import { createSlots } from '../admission/slots.ts';
import { createClaimer } from './claimer.ts';

type Role = Parameters<typeof createClaimer>[0]['role'];

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Lets everything that can go on without time passing do so. */
const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const claimedRun = (facts: Partial<Run>): ClaimedRun => ({
  run: { id: 'run_1', mode: 'blocking', crashes: 0, ...facts } as Run,
  remainingMs: 1_000,
});

/** A claimer with so many slots, over a queue that answers each look as it is told, and then with nothing. */
const startClaimer = (slotsMax: number, ...answers: ClaimedRun[][]) => startClaimerOf('all', slotsMax, ...answers);

async function startClaimerOf(role: Role, slotsMax: number, ...answers: ClaimedRun[][]) {
  const looks: ClaimOptions[] = [];
  const slots = createSlots(slotsMax);
  let tell = (_signal: Signal) => {};
  const store = {
    runs: {
      claim: async (_owner: string, options: ClaimOptions) => {
        looks.push(options);
        return answers.shift() ?? [];
      },
    },
    signals: {
      subscribe: (listener: (signal: Signal) => void) => {
        tell = listener;
        return () => {};
      },
    },
  } as unknown as Store;
  const clock = createFakeClock();
  const executed: ClaimedRun[] = [];
  const admission = createAdmission({
    slots,
    waitersMax: 10,
    background: () => 0,
    metrics: { waiting: () => {}, admitted: () => {}, shed: () => {} },
    clock,
  });
  const claimer = createClaimer({
    store,
    slots,
    admission,
    active: createActiveRuns(),
    role,
    affinity: { agents: ['triage'], version: null },
    lease: { processId: () => 'proc_1', isHeld: () => true },
    execute: (claimed) => void executed.push(claimed),
    metrics: { claimed: () => {} },
    clock,
    log: { warn: () => {} } as never,
  });
  stops.push(() => claimer.stop(AbortSignal.timeout(1_000)));
  await claimer.start();
  await settle();
  const enter = () => admission.enter({ tenantId: 'tenant-a', deadlineMs: 60_000 });
  return { looks, slots, clock, executed, enter, tell: (signal: Signal) => tell(signal) };
}

test('a run that ends costs no look at the queue when nothing was left there', async () => {
  const { looks, slots } = await startClaimer(3);
  slots.tryAcquire();
  slots.release();
  await settle();
  expect(looks).toHaveLength(1);
});

test('a run that was left in the queue for want of a slot is claimed as soon as one is free', async () => {
  const { looks, slots, tell } = await startClaimer(1);
  slots.tryAcquire();
  tell({ type: 'claimable' });
  await settle();
  expect(looks).toHaveLength(1); // there is no room to look for
  slots.release();
  await settle();
  expect(looks).toHaveLength(2);
});

test.each([
  ['as many as there were places for', 1, claimedRun({})],
  ['as many in the background as may be', 2, claimedRun({ mode: 'background' })],
  ['one that crashed before', 9, claimedRun({ crashes: 1 })],
])('the queue is looked at again when a slot is free after it gave %s', async (_what, slotsMax, claimed) => {
  const { looks, slots } = await startClaimer(slotsMax, [claimed]);
  const before = looks.length;
  slots.release();
  await settle();
  expect(looks.length).toBeGreaterThan(before);
});

test('a signal, and time, make the claimer look whatever was left', async () => {
  const { looks, tell, clock } = await startClaimer(3);
  tell({ type: 'claimable' });
  await settle();
  expect(looks).toHaveLength(2);
  await clock.advance(1_000);
  await settle();
  expect(looks).toHaveLength(3);
});

test.each([
  { role: 'api', slotsMax: 10, most: 0 },
  { role: 'all', slotsMax: 10, most: 8 },
  { role: 'all', slotsMax: 1, most: 1 },
  { role: 'worker', slotsMax: 10, most: 10 },
] as const)('of $slotsMax slots runs in the background may take $most in role $role', async (row) => {
  const { looks } = await startClaimerOf(row.role, row.slotsMax);
  expect(looks).toEqual([expect.objectContaining({ backgroundMax: row.most })]);
});

test('a process that leaves runs in the background to others does not look for them whenever a run ends', async () => {
  const { looks, slots } = await startClaimerOf('api', 3);
  slots.tryAcquire();
  slots.release();
  await settle();
  expect(looks).toHaveLength(1);
});

describe('while callers are in line', () => {
  test('no run in the background is claimed, and one that somebody waits for is claimed in its turn', async () => {
    const { looks, slots, enter, executed, tell } = await startClaimer(1, [], [claimedRun({})]);
    enter();
    const coming = [1, 2, 3].map(() => enter()?.then(() => 'entered'));
    tell({ type: 'claimable' });
    await settle();
    expect(looks).toHaveLength(1);
    slots.release();
    expect(await coming[0]).toBe('entered');
    slots.release();
    await settle();
    expect(looks.slice(1)).toMatchObject([{ limit: 1, backgroundMax: 0 }]);
    expect([executed.length, slots.used()]).toEqual([1, 1]);
    for (const each of coming.slice(1)) {
      slots.release();
      expect(await each).toBe('entered');
    }
    expect(slots.used()).toBe(1);
  });

  test('a turn for which nothing is queued goes to the next caller', async () => {
    const { looks, slots, enter, tell } = await startClaimer(1);
    enter();
    const coming = [1, 2].map(() => enter()?.then(() => 'entered'));
    tell({ type: 'claimable' });
    await settle();
    slots.release();
    await coming[0];
    slots.release();
    expect(await coming[1]).toBe('entered');
    expect([looks.length, slots.used()]).toEqual([2, 1]);
  });
});
