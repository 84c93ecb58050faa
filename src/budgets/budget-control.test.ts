import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { createIds } from '../platform/ids.ts';
import { createMetrics } from '../platform/metrics/metrics.ts';
import { type Budgets, noBudgets } from '../storage/port/index.ts';
import { createSqliteStore } from '../storage/sqlite/index.ts';
import type { LimitUse } from './accounts.ts';
import { createBudgetControl } from './budget-control.ts';
import { createBudgetLedger } from './budget-ledger.ts';
import type { RunLimits } from './run-account.ts';
import type { ReservationRequest } from './run-budget.ts';

const call = (overrides: Partial<ReservationRequest> = {}): ReservationRequest => ({
  stepKey: 'm::0',
  model: 'gpt-4.1',
  inputTokens: 100,
  money: { inputNanoUsd: 200_000, outputNanoUsd: 8_000 },
  outputTokensMax: 900,
  ...overrides,
});

const unlimited = { tokensMax: null, nanoUsdMax: null };
const spending = (tokens: number, nanoUsd = 0) => ({ tokens, nanoUsd });

type Options = { tenant?: Partial<Budgets>; key?: Partial<Budgets>; run?: Partial<RunLimits> };

/** Budgets on an embedded store, for runs of one tenant with one key. */
async function open({ tenant = {}, key, run = {} }: Options = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-budgets-'));
  const sqlite = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await sqlite.start();
  const clock = systemClock;
  const store = sqlite.budgets;
  const ledger = createBudgetLedger({ store, tenantDefaults: { ...noBudgets, ...tenant }, clock });
  const budgets = createBudgetControl({
    store,
    ledger,
    ofKey: async () => (key === undefined ? null : { ...noBudgets, ...key }),
    runLimits: { ...unlimited, ...run },
    processId: () => 'proc_1',
    ids: createIds(clock.nowMs),
    metrics: createMetrics(),
    clock,
    random: Math.random,
    log: { warn: () => {} },
  });
  const spender = {
    tenantId: 'acme',
    key: key === undefined ? null : { id: 'key_1', budgets: { ...noBudgets, ...key } },
  };
  return {
    budgets,
    ledger,
    spender,
    uses: () => ledger.usesOf(spender),
    forRun(spentBefore = spending(0)) {
      const ending = new AbortController();
      const warnings: LimitUse[] = [];
      const paid = { id: 'run_1', attempt: 1, tenantId: 'acme', budgetKeyId: key === undefined ? null : 'key_1' };
      const { signal } = ending;
      const budget = budgets.forRun(paid, { spentBefore, signal, warn: (limit) => warnings.push(limit) });
      return {
        reserve: (request: Partial<ReservationRequest> = {}) => budget.reserve(() => call(request)),
        ending,
        warnings,
      };
    },
    async [Symbol.asyncDispose]() {
      await sqlite.stop(AbortSignal.timeout(10_000));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

describe('a model call', () => {
  test('to which no limit applies reserves nothing, and its price is not computed', async () => {
    await using world = await open();
    const { budgets } = world;
    const paid = { id: 'run_1', attempt: 1, tenantId: 'acme', budgetKeyId: null };
    const { signal } = new AbortController();
    const budget = budgets.forRun(paid, { spentBefore: spending(0), signal, warn: () => {} });
    expect(await budget.reserve(() => expect.fail('the price was requested'))).toBeNull();
    expect(budgets.check(world.spender)).toBeNull();
  });

  test('reserves the most that it may spend, until it is settled with what it has spent', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 10_000, budgetUsdMonth: 1 } });
    const reservation = await world.forRun().reserve();
    expect(reservation?.outputTokensMax).toBeNull();
    expect(await world.uses()).toMatchObject([
      { period: 'day', unit: 'tokens', used: 0, reserved: 1_000 },
      { period: 'month', unit: 'usd', used: 0, reserved: 0.0074 },
    ]);
    await reservation?.settle(spending(150, 600_000));
    expect(await world.uses()).toMatchObject([
      { period: 'day', unit: 'tokens', used: 150, reserved: 0 },
      { period: 'month', unit: 'usd', used: 0.0006, reserved: 0 },
    ]);
  });

  test('may put out no more than what remains of the budget', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_500 }, run: { tokensMax: 5_000 } });
    const run = world.forRun();
    await (await run.reserve())?.settle(spending(1_000));
    expect((await run.reserve())?.outputTokensMax).toBe(400);
  });

  test.each([
    { whose: 'tenant', options: { tenant: { budgetTokensDay: 1_200 } }, says: 'this tenant, 1200 tokens a day' },
    { whose: 'key', options: { key: { budgetUsdMonth: 0.0005 } }, says: 'this key, 0.0005 USD a month' },
    { whose: 'run', options: { run: { tokensMax: 1_200 } }, says: 'a run, 1200 tokens' },
  ])('that does not fit in what remains of the budget of its $whose is refused', async ({ options, says }) => {
    await using world = await open(options);
    const run = world.forRun();
    const first = await run.reserve({ outputTokensMax: 10 });
    await first?.settle(spending(1_000, 450_000));
    await expect(run.reserve()).rejects.toMatchObject({
      code: 'budget_exceeded',
      retryable: false,
      message: expect.stringContaining(says),
    });
  });

  test('waits for what other calls have reserved and do not spend', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    const first = await world.forRun().reserve();
    const second = world.forRun().reserve();
    let isReserved = false;
    void second?.then(() => {
      isReserved = true;
    });
    await world.uses(); // by then the second call has tried to reserve, and waits
    expect(isReserved).toBe(false);
    await first?.settle(spending(120));
    expect((await second)?.outputTokensMax).toBe(780);
  });

  test('of a run that has ended waits no longer', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    await world.forRun().reserve();
    const { reserve, ending } = world.forRun();
    const waiting = reserve();
    ending.abort(new Error('the run has ended'));
    await expect(waiting).rejects.toThrow('the run has ended');
  });

  test('that fails releases its whole reservation', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 }, run: { tokensMax: 1_000 } });
    const run = world.forRun();
    for (const _ of [1, 2, 3]) await (await run.reserve())?.settle(spending(0));
    expect(await world.uses()).toMatchObject([{ used: 0, reserved: 0 }]);
  });

  test('without a known price is refused if a budget in USD applies, and only then', async () => {
    await using limited = await open({ key: { budgetUsdDay: 100 } });
    await expect(limited.forRun().reserve({ money: null })).rejects.toMatchObject({
      code: 'budget_exceeded',
      message: expect.stringContaining('"gpt-4.1"'),
    });
    await using tokens = await open({ tenant: { budgetTokensDay: 10_000 } });
    expect(await tokens.forRun().reserve({ money: null })).not.toBeNull();
  });
});

describe('concurrent calls', () => {
  test('never exceed the budget together, and use it up', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    const calls = Array.from({ length: 50 }, async () => {
      const reservation = await world.forRun().reserve({ inputTokens: 20, outputTokensMax: 80 });
      const [{ used: before = 0, reserved = 0 } = {}] = await world.uses();
      expect(before + reserved).toBeLessThanOrEqual(1_000);
      await reservation?.settle(spending(100));
    });
    const ended = await Promise.allSettled(calls);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await world.uses()).toMatchObject([{ used: 1_000, reserved: 0 }]);
  });

  test('of one run keep within its budget together', async () => {
    await using world = await open({ run: { tokensMax: 1_000 } });
    const run = world.forRun();
    const ended = await Promise.allSettled(
      [1, 2, 3, 4].map(async () => {
        const reservation = await run.reserve({ inputTokens: 20, outputTokensMax: 480 });
        await reservation?.settle(spending(480));
      }),
    );
    expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  });
});

describe('a run', () => {
  test('counts what earlier attempts have spent against its budget', async () => {
    await using world = await open({ run: { tokensMax: 1_000 } });
    await expect(world.forRun(spending(900)).reserve({ outputTokensMax: 10 })).rejects.toThrow('budget of a run');
  });

  test('is warned once four fifths of a budget are used', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 }, run: { nanoUsdMax: 1_000_000_000 } });
    const { reserve, warnings } = world.forRun();
    await (await reserve({ outputTokensMax: 10 }))?.settle(spending(799));
    expect(warnings).toEqual([]);
    await (await reserve({ outputTokensMax: 10 }))?.settle(spending(1, 800_000_000));
    expect(warnings).toMatchObject([
      { scope: 'run', unit: 'usd', used: 0.8, limit: 1 },
      { scope: 'tenant', unit: 'tokens', used: 800, limit: 1_000 },
    ]);
  });

  test('is accepted with a warning near a limit, and refused at it, until the next period', async () => {
    await using world = await open({ key: { budgetTokensMonth: 1_000 } });
    const run = world.forRun();
    await (await run.reserve())?.settle(spending(900));
    expect(await world.budgets.check(world.spender)).toMatchObject([{ scope: 'key', used: 900, limit: 1_000 }]);
    await (await run.reserve({ inputTokens: 1, outputTokensMax: 99 }))?.settle(spending(100));
    const error = await world.budgets.check(world.spender)?.catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ code: 'budget_exceeded', status: 429 });
    const now = new Date();
    const remainingMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime();
    const { retryAfterMs } = (error as { extras: { retryAfterMs: number } }).extras;
    expect(Math.abs(retryAfterMs - remainingMs)).toBeLessThan(60_000);
  });
});
