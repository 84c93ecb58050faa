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

/** Lets all work continue that needs no time to pass. */
const nextTicks = async () => {
  for (let tick = 0; tick < 5; tick += 1) await new Promise((resolve) => setImmediate(resolve));
};

const claimedRun = (facts: Partial<Run>): ClaimedRun => ({
  run: { id: 'run_1', mode: 'blocking', crashes: 0, ...facts } as Run,
  remainingMs: 1_000,
});

/** A claimer with `slotsMax` slots, on a queue that answers claims with `answers`, and then with nothing. */
const startClaimer = (slotsMax: number, ...answers: ClaimedRun[][]) => startClaimerOf('all', slotsMax, ...answers);

async function startClaimerOf(role: Role, slotsMax: number, ...answers: ClaimedRun[][]) {
  const claims: ClaimOptions[] = [];
  const slots = createSlots(slotsMax);
  let emit = (_signal: Signal) => {};
  const store = {
    runs: {
      claim: async (_owner: string, options: ClaimOptions) => {
        claims.push(options);
        return answers.shift() ?? [];
      },
    },
    signals: {
      subscribe: (listener: (signal: Signal) => void) => {
        emit = listener;
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
  await nextTicks();
  const enter = () => admission.enter({ tenantId: 'tenant-a', deadlineMs: 60_000 });
  return { claims, slots, clock, executed, enter, emit: (signal: Signal) => emit(signal) };
}

test('the end of a run causes no claim when no run was left in the queue', async () => {
  const { claims, slots } = await startClaimer(3);
  slots.tryAcquire();
  slots.release();
  await nextTicks();
  expect(claims).toHaveLength(1);
});

test('a run that was left in the queue for want of a slot is claimed as soon as one is free', async () => {
  const { claims, slots, emit } = await startClaimer(1);
  slots.tryAcquire();
  emit({ type: 'claimable' });
  await nextTicks();
  expect(claims).toHaveLength(1); // there is no free slot to claim for
  slots.release();
  await nextTicks();
  expect(claims).toHaveLength(2);
});

test.each([
  ['as many runs as slots were free', 1, claimedRun({})],
  ['as many background runs as allowed', 2, claimedRun({ mode: 'background' })],
  ['a run that crashed before', 9, claimedRun({ crashes: 1 })],
])('a free slot causes another claim after one that returned %s', async (_what, slotsMax, claimed) => {
  const { claims, slots } = await startClaimer(slotsMax, [claimed]);
  const before = claims.length;
  slots.release();
  await nextTicks();
  expect(claims.length).toBeGreaterThan(before);
});

test('a signal and the polling interval each cause a claim', async () => {
  const { claims, emit, clock } = await startClaimer(3);
  emit({ type: 'claimable' });
  await nextTicks();
  expect(claims).toHaveLength(2);
  await clock.advance(1_000);
  await nextTicks();
  expect(claims).toHaveLength(3);
});

test.each([
  { role: 'api', slotsMax: 10, most: 0 },
  { role: 'all', slotsMax: 10, most: 8 },
  { role: 'all', slotsMax: 1, most: 1 },
  { role: 'worker', slotsMax: 10, most: 10 },
] as const)('background runs may use $most of $slotsMax slots in role $role', async (row) => {
  const { claims } = await startClaimerOf(row.role, row.slotsMax);
  expect(claims).toEqual([expect.objectContaining({ backgroundMax: row.most })]);
});

test('a process that executes no background runs does not claim whenever a run ends', async () => {
  const { claims, slots } = await startClaimerOf('api', 3);
  slots.tryAcquire();
  slots.release();
  await nextTicks();
  expect(claims).toHaveLength(1);
});

describe('while callers wait for slots', () => {
  test('no background run is claimed, and a run that a caller waits for is claimed in fair order', async () => {
    const { claims, slots, enter, executed, emit } = await startClaimer(1, [], [claimedRun({})]);
    enter();
    const waiting = [1, 2, 3].map(() => enter()?.then(() => 'entered'));
    emit({ type: 'claimable' });
    await nextTicks();
    expect(claims).toHaveLength(1);
    slots.release();
    expect(await waiting[0]).toBe('entered');
    slots.release();
    await nextTicks();
    expect(claims.slice(1)).toMatchObject([{ limit: 1, backgroundMax: 0 }]);
    expect([executed.length, slots.used()]).toEqual([1, 1]);
    for (const each of waiting.slice(1)) {
      slots.release();
      expect(await each).toBe('entered');
    }
    expect(slots.used()).toBe(1);
  });

  test('a slot for which no run is queued goes to the next caller', async () => {
    const { claims, slots, enter, emit } = await startClaimer(1);
    enter();
    const waiting = [1, 2].map(() => enter()?.then(() => 'entered'));
    emit({ type: 'claimable' });
    await nextTicks();
    slots.release();
    await waiting[0];
    slots.release();
    expect(await waiting[1]).toBe('entered');
    expect([claims.length, slots.used()]).toEqual([2, 1]);
  });
});
