import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { decideRate } from '../../platform/gcra.ts';
import type { RateDecision, RateLimit } from '../port/index.ts';

let database: TestDatabase;
let stores: [TestStore, TestStore];
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  stores = [await openPostgresStore(database.url), await openPostgresStore(database.url)];
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});

afterEach(() => admin.query('truncate rate_limits'));

afterAll(async () => {
  await admin.end();
  for (const store of stores) await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const take = async (key: string, limit: RateLimit, store: TestStore = stores[0]): Promise<RateDecision> => {
  if (store.rateLimiter === null) throw new Error('the store has no rate limiter');
  return await store.rateLimiter.take(key, limit);
};

/** Slow enough that nothing comes back while a test runs. */
const hourly = (burst: number): RateLimit => ({ intervalMs: 3_600_000, burst });

test('a burst is allowed, further requests are refused, and each gets its remaining limit', async () => {
  const decisions: RateDecision[] = [];
  for (let n = 0; n < 4; n += 1) decisions.push(await take('a', hourly(3)));
  expect(decisions.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
    [true, 2],
    [true, 1],
    [true, 0],
    [false, 0],
  ]);
  const [first, , last, refused] = decisions as [RateDecision, RateDecision, RateDecision, RateDecision];
  expect(first.retryAfterMs).toBe(0);
  expect(first.resetMs).toBe(3_600_000);
  for (const { retryAfterMs } of [last, refused]) {
    expect(retryAfterMs).toBeGreaterThan(3_500_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
  }
});

test('requests at the same time in two processes share one burst', async () => {
  const limit = hourly(20);
  const asked = Array.from({ length: 100 }, (_, n) => take('shared', limit, stores[n % 2]));
  const decisions = await Promise.all(asked);
  const remaining = decisions.filter(({ allowed }) => allowed).map((decision) => decision.remaining);
  expect(remaining.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

test('a refused request does not count against the limit', async () => {
  const limit = hourly(1);
  await take('b', limit);
  const { rows: before } = await admin.query('select tat_ms from rate_limits');
  for (let n = 0; n < 10; n += 1) expect((await take('b', limit)).allowed).toBe(false);
  expect((await admin.query('select tat_ms from rate_limits')).rows).toEqual(before);
});

test('callers do not use up the limit of one another, whatever their keys hold', async () => {
  for (const key of ['create:a', 'create:b', '', "'; drop table rate_limits", 'ключ', 'a\ud800']) {
    expect(await take(key, hourly(1))).toMatchObject({ allowed: true, remaining: 0 });
    expect(await take(key, hourly(1))).toMatchObject({ allowed: false });
  }
});

test('what time gives back may be used again', async () => {
  const limit = hourly(2);
  for (let n = 0; n < 2; n += 1) await take('c', limit);
  expect(await take('c', limit)).toMatchObject({ allowed: false });
  await admin.query('update rate_limits set tat_ms = tat_ms - 3600000');
  expect(await take('c', limit)).toMatchObject({ allowed: true, remaining: 0 });
});

test('the database keeps what the pure decision says, for limits that do not divide evenly', async () => {
  const limits: RateLimit[] = [
    { intervalMs: 60_000 / 7, burst: 3 },
    { intervalMs: 0.001, burst: 1 },
    { intervalMs: 1 / 3, burst: 1000 },
    { intervalMs: 86_400_000, burst: 5 },
  ];
  for (const [index, limit] of limits.entries()) {
    const intervalMs = decideRate(null, 0, limit).tatMs;
    for (let n = 0; n < 2 * Math.min(limit.burst, 10); n += 1) {
      const key = `even-${index}`;
      const { rows } = await admin.query('select * from take_rate($1, $2, $3)', [
        key,
        intervalMs,
        intervalMs * limit.burst,
      ]);
      const kept = await admin.query('select tat_ms from rate_limits where key = $1', [key]);
      expect(kept.rows[0].tat_ms).toBe(decideRate(rows[0].tat_before_ms, Number(rows[0].at_ms), limit).tatMs);
    }
  }
});

test('a clock that was set back costs a caller one interval, not the length of the jump', async () => {
  const limit = hourly(2);
  await take('d', limit);
  await admin.query('update rate_limits set tat_ms = tat_ms + 1e12');
  expect(await take('d', limit)).toMatchObject({ allowed: false, retryAfterMs: 3_600_000 });
  await admin.query('update rate_limits set tat_ms = tat_ms - 3600000');
  expect(await take('d', limit)).toMatchObject({ allowed: true });
});

test('a limit that is none is an error, not a refusal', async () => {
  await expect(take('e', { intervalMs: 0, burst: 1 })).rejects.toThrow(RangeError);
  await expect(take('e', { intervalMs: 1, burst: 0 })).rejects.toThrow(RangeError);
});

test('rows of callers whose whole burst is available again are removed now and then', async () => {
  await admin.query(`insert into rate_limits select 'old-' || n, now_ms() - n from generate_series(1, 1500) as n`);
  await take('still-counted', hourly(1));
  for (let n = 0; n < 10; n += 1) {
    await Promise.all(Array.from({ length: 100 }, () => take('busy', { intervalMs: 1, burst: 1_000_000_000 })));
  }
  const left = async () => (await admin.query(`select key from rate_limits where key <> 'busy' order by key`)).rows;
  while ((await left()).length > 1);
  expect(await left()).toEqual([{ key: 'still-counted' }]);
});

test('requests of many callers at the same moment are each decided as if they came alone', async () => {
  const callers = ['c', 'a', 'b'];
  const asked = Array.from({ length: 9 }, (_, n) => callers[n % 3] as string);
  const decisions = await Promise.all(asked.map((key) => take(key, hourly(key === 'a' ? 1 : 2))));
  expect(decisions.map(({ allowed, remaining }, n) => [asked[n], allowed, remaining])).toEqual([
    ['c', true, 1],
    ['a', true, 0],
    ['b', true, 1],
    ['c', true, 0],
    ['a', false, 0],
    ['b', true, 0],
    ['c', false, 0],
    ['a', false, 0],
    ['b', false, 0],
  ]);
});
