import { decideRate } from '../../platform/gcra.ts';
import type { Logger } from '../../platform/logger.ts';
import type { RateLimiter } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import { reasonOf } from './errors.ts';
import { createGroupedWrites, fittingLength } from './grouped-writes.ts';

type RateRequest = { key: string; intervalMs: number; capacityMs: number };
type Before = { n: number; tat_before_ms: number; at_ms: number };

// The function is in migrations/002-operations.sql; it is called for each request in turn.
const takeRates: Statement = {
  name: 'take_rates',
  text: `select n::integer, taken.* from unnest($1::text[], $2::float8[], $3::float8[])
      with ordinality as asked (key, interval_ms, capacity_ms, n)
    cross join lateral take_rate(key, interval_ms, capacity_ms) as taken`,
};

// A key whose whole burst is available again needs no row. Rows that another transaction has locked are skipped.
const removeExpired: Statement = {
  name: 'tidy_rate_limits',
  text: `
    delete from rate_limits where key in (
      select key from rate_limits where tat_ms < now_ms() limit $1 for update skip locked
    )`,
};

/** Expired rows are removed after so many requests, and so many at once. */
const removeEvery = 1_000;
const removeMax = 2_000;

const byKey = (one: RateRequest, other: RateRequest) => (one.key < other.key ? -1 : Number(one.key > other.key));

/** Counts requests in a table, for all processes together, by the database's clock. Requests share round trips. */
export function createRateLimiter(database: Database, log: Pick<Logger, 'warn'>): RateLimiter {
  let requestsSinceRemoval = 0;
  const removeExpiredRows = () => {
    requestsSinceRemoval += 1;
    if (requestsSinceRemoval < removeEvery) return;
    requestsSinceRemoval = 0;
    database
      .query(removeExpired, [removeMax])
      .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'old rate limits were not removed'));
  };
  async function write(requests: readonly RateRequest[]): Promise<Before[]> {
    // In the order of keys, whose rows are locked, so that there is no deadlock between processes.
    const sorted = requests.map((request, index) => ({ ...request, index })).toSorted(byKey);
    const columns = [sorted.map(({ key }) => key), sorted.map(({ intervalMs }) => intervalMs)];
    const capacities = sorted.map(({ capacityMs }) => capacityMs);
    const rows = await database.query<Before>(takeRates, [...columns, capacities]);
    const answers: Before[] = [];
    for (const row of rows) answers[sorted[row.n - 1]?.index ?? 0] = row;
    return answers;
  }

  const grouped = createGroupedWrites({
    write,
    charsOf: ({ key }: RateRequest) => key.length,
    lengthOf: (requests) => fittingLength(requests.map(({ key }) => key.length)),
  });

  return {
    async take(key, limit) {
      // The cost of one request, rounded as `decideRate` rounds it, so that the database's sums are the same.
      const intervalMs = decideRate(null, 0, limit).tatMs;
      const before = await grouped.add({ key, intervalMs, capacityMs: intervalMs * limit.burst });
      removeExpiredRows();
      return decideRate(before.tat_before_ms, before.at_ms, limit).decision;
    },
  };
}
