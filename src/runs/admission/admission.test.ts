import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import type { ShedReason } from './shed-reason.ts';
import { createSlots } from './slots.ts';

/** Admission to slots that are all used, by runs that are known to take two seconds. */
function createFullAdmission({
  slotsMax = 1,
  waitersMax = 10,
  serviceMs = 2_000 as number | null,
  background = 0,
} = {}) {
  const clock = createFakeClock();
  const slots = createSlots(slotsMax);
  const reported = { waiting: 0, waits: [] as number[], sheds: [] as ShedReason[] };
  const admission = createAdmission({
    slots,
    waitersMax,
    background: () => background,
    metrics: {
      waiting: (callers) => {
        reported.waiting = callers;
      },
      admitted: (waitedMs) => reported.waits.push(waitedMs),
      shed: (reason) => reported.sheds.push(reason),
    },
    clock,
  });
  for (let slot = 0; slot < slotsMax; slot += 1) admission.enter({ tenantId: 'first', deadlineMs: 0 });
  if (serviceMs !== null) admission.served(serviceMs);
  const order: string[] = [];
  /** Enters with a deadline after `withinMs`; `order` has the names of those that got a slot. */
  async function enter(name: string, withinMs = 60_000, disconnected?: AbortSignal): Promise<void> {
    await admission.enter({ tenantId: name.charAt(0), deadlineMs: clock.monotonicMs() + withinMs, disconnected });
    order.push(name);
  }
  /** The error with which a request for a slot is refused. */
  const refused = (name: string, withinMs?: number, disconnected?: AbortSignal): Promise<ServiceError> =>
    enter(name, withinMs, disconnected).then(
      () => expect.unreachable(`${name} got a slot`),
      (error) => error as ServiceError,
    );
  /** Releases a slot, and lets the next waiter continue. */
  async function release(): Promise<void> {
    slots.release();
    await nextTick();
  }
  return { clock, slots, admission, reported, order, enter, refused, release };
}

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a run for which no slot is free', () => {
  test('waits, and gets the first slot that is released', async () => {
    const { slots, enter, order, reported, clock } = createFullAdmission();
    const waiting = enter('a1');
    await clock.advance(1_500);
    expect([order, reported.waiting]).toEqual([[], 1]);
    slots.release();
    await waiting;
    expect([order, reported.waiting, reported.waits, slots.used(), clock.sleeping()]).toEqual([
      ['a1'],
      0,
      [1_500],
      1,
      0,
    ]);
  });

  test('is refused at once if its answer could not be expected before its deadline', async () => {
    const { refused, enter, reported, clock } = createFullAdmission();
    expect(await refused('a1', 3_900)).toMatchObject({ code: 'too_many_runs', extras: { retryAfterMs: 4_600 } });
    const waiting = enter('a1', 4_100);
    expect(await refused('a2', 5_900)).toMatchObject({ code: 'too_many_runs' });
    expect(reported).toEqual({ waiting: 1, waits: [], sheds: ['too_late', 'too_late'] });
    await Promise.allSettled([waiting, clock.advance(10_000)]);
  });

  test('does not count on slots that background runs hold', async () => {
    const { refused, enter, clock } = createFullAdmission({ slotsMax: 10, background: 8 });
    expect(await refused('a1', 2_900)).toMatchObject({ code: 'too_many_runs' });
    const waiting = enter('a1', 3_100);
    await Promise.allSettled([waiting, clock.advance(10_000)]);
  });

  test('waits until its deadline while the length of runs is unknown', async () => {
    const { refused, clock, reported } = createFullAdmission({ serviceMs: null });
    const refusal = refused('a1', 5_000);
    await clock.advance(4_999);
    expect(reported.waiting).toBe(1);
    await clock.advance(1);
    expect(await refusal).toMatchObject({ code: 'too_many_runs' });
    expect([reported.waiting, reported.sheds]).toEqual([0, ['deadline']]);
  });

  test('is refused at once if the queue is turned off', async () => {
    const { refused, reported } = createFullAdmission({ waitersMax: 0 });
    expect(await refused('a1')).toMatchObject({ code: 'too_many_runs', extras: { retryAfterMs: 6_500 } });
    expect(reported.sheds).toEqual(['line_full']);
  });

  test('leaves the queue when its client disconnects, and no slot is reserved for it', async () => {
    const { refused, slots, reported, clock } = createFullAdmission();
    const disconnected = new AbortController();
    const refusal = refused('a1', 60_000, disconnected.signal);
    disconnected.abort();
    expect(await refusal).toMatchObject({ code: 'cancelled' });
    expect(await refused('a2', 60_000, disconnected.signal)).toMatchObject({ code: 'cancelled' });
    slots.release();
    expect([reported.waiting, reported.sheds, slots.used(), clock.sleeping()]).toEqual([0, [], 0, 0]);
  });

  test('is rejected with all others when the process stops', async () => {
    const { refused, admission, reported, clock } = createFullAdmission();
    const refusals = [refused('a1'), refused('b1')];
    admission.rejectAll(() => new ServiceError('shutting_down', {}));
    for (const refusal of refusals) expect(await refusal).toMatchObject({ code: 'shutting_down' });
    expect([reported.waiting, clock.sleeping()]).toEqual([0, 0]);
  });
});

describe('the queue for slots', () => {
  test('serves tenants in turn', async () => {
    const { enter, release, order } = createFullAdmission();
    const waiting = ['a1', 'a2', 'a3', 'b1', 'c1'].map((name) => enter(name));
    for (const _ of waiting) await release();
    await Promise.all(waiting);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
  });

  test('admits a tenant with few waiters when it is full: the last waiter of the tenant with the most is evicted', async () => {
    const { enter, refused, release, order, reported } = createFullAdmission({ waitersMax: 3 });
    const first = [enter('a1'), enter('a2')];
    const last = refused('a3');
    expect(await refused('a4')).toMatchObject({ code: 'too_many_runs' });
    first.push(enter('b1'));
    expect(await last).toMatchObject({ code: 'too_many_runs' });
    expect([reported.waiting, reported.sheds]).toEqual([3, ['line_full', 'gave_way']]);
    for (const _ of first) await release();
    await Promise.all(first);
    expect(order).toEqual(['a1', 'b1', 'a2']);
  });

  test('serves runs that are queued in the store like those of one more tenant', async () => {
    const { enter, release, order, admission, reported } = createFullAdmission();
    const leave = new AbortController();
    expect(admission.waitForStore(leave.signal)).toBeNull(); // no caller waits: a free slot is free for all
    const waiting = ['a1', 'a2', 'a3'].map((name) => enter(name));
    waiting.push((admission.waitForStore(leave.signal) as Promise<void>).then(() => void order.push('store')));
    expect(reported.waiting).toBe(3);
    for (const _ of waiting) await release();
    await Promise.all(waiting);
    expect(order).toEqual(['a1', 'store', 'a2', 'a3']);
  });

  test('never holds more than its limit, whichever tenants arrive', async () => {
    const { refused, reported, admission } = createFullAdmission({ waitersMax: 20 });
    const all = Array.from({ length: 500 }, (_, n) => refused(`${String.fromCharCode(97 + (n % 26))}${n}`, 600_000));
    await nextTick();
    expect(reported.waiting).toBe(20);
    expect(reported.sheds).toHaveLength(480);
    admission.rejectAll(() => new ServiceError('shutting_down', {}));
    await Promise.all(all);
  });
});
