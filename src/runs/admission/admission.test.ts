import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { createAdmission } from './admission.ts';
import type { ShedReason } from './shed-reason.ts';
import { createSlots } from './slots.ts';

/** Admission in front of so many places, all of them taken, and runs that are known to take two seconds. */
function createFullHouse({ places = 1, waitersMax = 10, serviceMs = 2_000 as number | null, background = 0 } = {}) {
  const clock = createFakeClock();
  const slots = createSlots(places);
  const told = { waiting: 0, waits: [] as number[], sheds: [] as ShedReason[] };
  const admission = createAdmission({
    slots,
    waitersMax,
    background: () => background,
    metrics: {
      waiting: (callers) => {
        told.waiting = callers;
      },
      admitted: (waitedMs) => told.waits.push(waitedMs),
      shed: (reason) => told.sheds.push(reason),
    },
    clock,
  });
  for (let place = 0; place < places; place += 1) admission.enter({ tenantId: 'first', deadlineMs: 0 });
  if (serviceMs !== null) admission.served(serviceMs);
  const order: string[] = [];
  /** One who wants a place within so long; `order` says who got one. */
  async function want(name: string, withinMs = 60_000, gone?: AbortSignal): Promise<void> {
    await admission.enter({ tenantId: name.charAt(0), deadlineMs: clock.monotonicMs() + withinMs, gone });
    order.push(name);
  }
  /** What one who wants a place is told; it must be refused. */
  const refused = (name: string, withinMs?: number, gone?: AbortSignal): Promise<ServiceError> =>
    want(name, withinMs, gone).then(
      () => expect.unreachable(`${name} got a place`),
      (error) => error as ServiceError,
    );
  /** Gives a place back, and lets whoever has it now go on. */
  async function give(): Promise<void> {
    slots.release();
    await settle();
  }
  return { clock, slots, admission, told, order, want, refused, give };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a run for which there is no place', () => {
  test('waits, and has the first place that is given back', async () => {
    const { slots, want, order, told, clock } = createFullHouse();
    const coming = want('a1');
    await clock.advance(1_500);
    expect([order, told.waiting]).toEqual([[], 1]);
    slots.release();
    await coming;
    expect([order, told.waiting, told.waits, slots.used(), clock.sleeping()]).toEqual([['a1'], 0, [1_500], 1, 0]);
  });

  test('is refused at once if its answer could not be expected in time', async () => {
    const { refused, want, told, clock } = createFullHouse();
    expect(await refused('a1', 3_900)).toMatchObject({ code: 'too_many_runs', extras: { retryAfterMs: 4_600 } });
    const coming = want('a1', 4_100);
    expect(await refused('a2', 5_900)).toMatchObject({ code: 'too_many_runs' });
    expect(told).toEqual({ waiting: 1, waits: [], sheds: ['too_late', 'too_late'] });
    await Promise.allSettled([coming, clock.advance(10_000)]);
  });

  test('does not count on places that runs in the background hold', async () => {
    const { refused, want, clock } = createFullHouse({ places: 10, background: 8 });
    expect(await refused('a1', 2_900)).toMatchObject({ code: 'too_many_runs' });
    const coming = want('a1', 3_100);
    await Promise.allSettled([coming, clock.advance(10_000)]);
  });

  test('waits as long as it may while nothing is known of how long runs take', async () => {
    const { refused, clock, told } = createFullHouse({ serviceMs: null });
    const refusal = refused('a1', 5_000);
    await clock.advance(4_999);
    expect(told.waiting).toBe(1);
    await clock.advance(1);
    expect(await refusal).toMatchObject({ code: 'too_many_runs' });
    expect([told.waiting, told.sheds]).toEqual([0, ['deadline']]);
  });

  test('is refused at once when nobody may wait', async () => {
    const { refused, told } = createFullHouse({ waitersMax: 0 });
    expect(await refused('a1')).toMatchObject({ code: 'too_many_runs', extras: { retryAfterMs: 6_500 } });
    expect(told.sheds).toEqual(['line_full']);
  });

  test('leaves the line when its client has gone, and no place is kept for it', async () => {
    const { refused, slots, told, clock } = createFullHouse();
    const gone = new AbortController();
    const refusal = refused('a1', 60_000, gone.signal);
    gone.abort();
    expect(await refusal).toMatchObject({ code: 'cancelled' });
    expect(await refused('a2', 60_000, gone.signal)).toMatchObject({ code: 'cancelled' });
    slots.release();
    expect([told.waiting, told.sheds, slots.used(), clock.sleeping()]).toEqual([0, [], 0, 0]);
  });

  test('is sent away with all others when the process ends', async () => {
    const { refused, admission, told, clock } = createFullHouse();
    const refusals = [refused('a1'), refused('b1')];
    admission.sendAway(() => new ServiceError('shutting_down', {}));
    for (const refusal of refusals) expect(await refusal).toMatchObject({ code: 'shutting_down' });
    expect([told.waiting, clock.sleeping()]).toEqual([0, 0]);
  });
});

describe('the line', () => {
  test('lets tenants take turns', async () => {
    const { want, give, order } = createFullHouse();
    const coming = ['a1', 'a2', 'a3', 'b1', 'c1'].map((name) => want(name));
    for (const _ of coming) await give();
    await Promise.all(coming);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
  });

  test('has a place for a tenant with few when it is full: the last of the tenant with the most gives way', async () => {
    const { want, refused, give, order, told } = createFullHouse({ waitersMax: 3 });
    const first = [want('a1'), want('a2')];
    const last = refused('a3');
    expect(await refused('a4')).toMatchObject({ code: 'too_many_runs' });
    first.push(want('b1'));
    expect(await last).toMatchObject({ code: 'too_many_runs' });
    expect([told.waiting, told.sheds]).toEqual([3, ['line_full', 'gave_way']]);
    for (const _ of first) await give();
    await Promise.all(first);
    expect(order).toEqual(['a1', 'b1', 'a2']);
  });

  test('lets a run that is queued in the store have its turn, as if it were of one tenant more', async () => {
    const { want, give, order, admission, told } = createFullHouse();
    const leaves = new AbortController();
    expect(admission.turnOfStore(leaves.signal)).toBeNull(); // nobody is in line: a free place is there for all
    const coming = ['a1', 'a2', 'a3'].map((name) => want(name));
    coming.push((admission.turnOfStore(leaves.signal) as Promise<void>).then(() => void order.push('store')));
    expect(told.waiting).toBe(3);
    for (const _ of coming) await give();
    await Promise.all(coming);
    expect(order).toEqual(['a1', 'store', 'a2', 'a3']);
  });

  test('is as long as it may be, and no longer, whoever comes', async () => {
    const { refused, told, admission } = createFullHouse({ waitersMax: 20 });
    const all = Array.from({ length: 500 }, (_, n) => refused(`${String.fromCharCode(97 + (n % 26))}${n}`, 600_000));
    await settle();
    expect(told.waiting).toBe(20);
    expect(told.sheds).toHaveLength(480);
    admission.sendAway(() => new ServiceError('shutting_down', {}));
    await Promise.all(all);
  });
});
