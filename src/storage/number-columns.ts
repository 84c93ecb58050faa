import { notStorable } from './not-storable.ts';
import type { Usage } from './port/index.ts';
import { toUsageRow, usageColumns } from './usage-row.ts';

/**
 * The most tokens of one row. No answer comes near, and sums over 10^5 such rows are still exact in JavaScript and fit
 * into the columns of both engines.
 */
const tokensMax = 10 ** 10;

type Limit = { takes: (value: number) => boolean; words: string };
type Limits = readonly [column: string, limit: Limit][];

const whole = (max: number): Limit => ({
  takes: (value) => Number.isSafeInteger(value) && value >= 0 && value <= max,
  words: `a whole number from 0 to ${max}`,
});
const count = whole(Number.MAX_SAFE_INTEGER);
const tokens = whole(tokensMax);
/** In ms. Differences of times may be negative, where the clock of the machine was set back. */
const time: Limit = { takes: Number.isSafeInteger, words: 'a whole number' };
const amount: Limit = { takes: Number.isFinite, words: 'a number' };

const usageLimits = (limit: Limit): Limits => usageColumns.map((column) => [column, limit]);

/** The columns of numbers that come from models, from their providers or from this process's clocks. */
const limitsOf = {
  steps: [
    ...Object.entries({ step: count, attempt: count, replayed: count, cost_usd: amount, started_at_ms: time }),
    ...Object.entries({ first_token_ms: time, duration_ms: time }),
    ...usageLimits(tokens),
  ],
  events: Object.entries({ seq: count, attempt: count, at_ms: time }),
  runs: [...Object.entries({ cost_usd: amount, first_token_ms: time }), ...usageLimits(count)],
} satisfies Record<string, Limits>;

/** What a value is, in words that do not show it. */
function kindOf(value: unknown): string {
  if (typeof value !== 'number') return `a value of type ${typeof value}`;
  if (!Number.isFinite(value)) return 'an infinite or undefined one';
  if (!Number.isInteger(value)) return 'a fraction';
  return value < 0 ? 'a negative one' : 'one that is too large';
}

/**
 * Checks the numbers of a row before it is written, so that both engines refuse the same ones, and no statement that
 * other rows share fails because of it. Null is for the engine to judge.
 *
 * @throws {ServiceError} `not_storable`
 */
export function assertNumbers<Row extends object>(table: keyof typeof limitsOf, row: Row): Row {
  const values = row as Record<string, unknown>;
  for (const [column, { takes, words }] of limitsOf[table]) {
    const value = values[column];
    if (value === undefined || value === null || (typeof value === 'number' && takes(value))) continue;
    throw notStorable(`${table}.${column} takes ${words}, not ${kindOf(value)}`);
  }
  return row;
}

/** The numbers with which a run ends or pauses. */
type Totals = { usage: Usage; costUsd: number | null; firstTokenMs: number | null };

/**
 * Checks the numbers with which a run ends or pauses, see `assertNumbers`.
 *
 * @throws {ServiceError} `not_storable`
 */
export function assertTotals({ usage, costUsd, firstTokenMs }: Totals): void {
  assertNumbers('runs', { ...toUsageRow(usage), cost_usd: costUsd, first_token_ms: firstTokenMs });
}
