import { decide } from '../../platform/gcra.ts';
import type { Logger } from '../../platform/logger.ts';
import type { RateLimiter } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import { reasonOf } from './errors.ts';

const takeRate: Statement = { name: 'take_rate', text: 'select * from take_rate($1, $2, $3)' };

// Whoever has all of a burst again is not worth a row. Rows that are being counted on are left alone.
const tidy: Statement = {
  name: 'tidy_rate_limits',
  text: `
    delete from rate_limits where key in (
      select key from rate_limits where tat_ms < now_ms() limit $1 for update skip locked
    )`,
};

/** Old rows are looked for after so many requests, and so many are removed at once. */
const tidyEvery = 1_000;
const tidyMax = 2_000;

/** Counts requests in a table, for all processes together, by the database's clock. One round trip a request. */
export function createRateLimiter(database: Database, log: Pick<Logger, 'warn'>): RateLimiter {
  let sinceTidied = 0;
  const tidyInTime = () => {
    sinceTidied += 1;
    if (sinceTidied < tidyEvery) return;
    sinceTidied = 0;
    database
      .query(tidy, [tidyMax])
      .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'old rate limits were not removed'));
  };
  return {
    async take(key, limit) {
      // What one request uses, rounded as `decide` rounds it, so that the database's sums are the same.
      const intervalMs = decide(null, 0, limit).tatMs;
      const [before] = await database.query<{ tat_before_ms: number; at_ms: number }>(takeRate, [
        key,
        intervalMs,
        intervalMs * limit.burst,
      ]);
      if (before === undefined) throw new Error('take_rate returned no row');
      tidyInTime();
      return decide(before.tat_before_ms, before.at_ms, limit).decision;
    },
  };
}
