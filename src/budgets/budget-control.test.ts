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
import type { ReservationRequest, RunLimits } from './run-budget.ts';

const call = (overrides: Partial<ReservationRequest> = {}): ReservationRequest => ({
  stepKey: 'm::0',
  model: 'gpt-4.1',
  inputTokens: 100,
  money: { inputNanoUsd: 200_000, outputNanoUsd: 8_000 },
  outputTokensMax: 900,
  ...overrides,
});

const free = { tokensMax: null, nanoUsdMax: null };
const used = (tokens: number, nanoUsd = 0) => ({ tokens, nanoUsd });

type Options = { tenant?: Partial<Budgets>; key?: Partial<Budgets>; run?: Partial<RunLimits> };

/** Budgets over an embedded store, for runs of one tenant with one key. */
async function open({ tenant = {}, key, run = {} }: Options = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-budgets-'));
  const sqlite = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await sqlite.start();
  const clock = systemClock;
  const store = sqlite.budgets;
  const book = createBudgetLedger({ store, tenantDefaults: { ...noBudgets, ...tenant }, clock });
  const budgets = createBudgetControl({
    store,
    ledger: book,
    ofKey: async () => (key === undefined ? null : { ...noBudgets, ...key }),
    runLimits: { ...free, ...run },
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
    ledger: book,
    spender,
    uses: () => book.usesOf(spender),
    forRun(spentBefore = used(0)) {
      const stopping = new AbortController();
      const warnings: LimitUse[] = [];
      const paid = { id: 'run_1', attempt: 1, tenantId: 'acme', budgetKeyId: key === undefined ? null : 'key_1' };
      const { signal } = stopping;
      const budget = budgets.forRun(paid, { spentBefore, signal, warn: (limit) => warnings.push(limit) });
      return {
        reserve: (ask: Partial<ReservationRequest> = {}) => budget.reserve(() => call(ask)),
        stopping,
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
  test('that nothing limits reserves nothing, and nobody asks what it takes', async () => {
    await using world = await open();
    const { budgets } = world;
    const paid = { id: 'run_1', attempt: 1, tenantId: 'acme', budgetKeyId: null };
    const { signal } = new AbortController();
    const budget = budgets.forRun(paid, { spentBefore: used(0), signal, warn: () => {} });
    expect(await budget.reserve(() => expect.fail('nobody had to know'))).toBeNull();
    expect(budgets.check(world.spender)).toBeNull();
  });

  test('has reserved the most that it may take, until it is settled by what it took', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 10_000, budgetUsdMonth: 1 } });
    const hold = await world.forRun().reserve();
    expect(hold?.outputTokensMax).toBeNull();
    expect(await world.uses()).toMatchObject([
      { period: 'day', unit: 'tokens', used: 0, reserved: 1_000 },
      { period: 'month', unit: 'usd', used: 0, reserved: 0.0074 },
    ]);
    await hold?.settle(used(150, 600_000));
    expect(await world.uses()).toMatchObject([
      { period: 'day', unit: 'tokens', used: 150, reserved: 0 },
      { period: 'month', unit: 'usd', used: 0.0006, reserved: 0 },
    ]);
  });

  test('may put out no more than what is left', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_500 }, run: { tokensMax: 5_000 } });
    const run = world.forRun();
    await (await run.reserve())?.settle(used(1_000));
    expect((await run.reserve())?.outputTokensMax).toBe(400);
  });

  test.each([
    { whose: 'tenant', options: { tenant: { budgetTokensDay: 1_200 } }, says: 'this tenant, 1200 tokens a day' },
    { whose: 'key', options: { key: { budgetUsdMonth: 0.0005 } }, says: 'this key, 0.0005 USD a month' },
    { whose: 'run', options: { run: { tokensMax: 1_200 } }, says: 'a run, 1200 tokens' },
  ])('that does not fit in what is left of the budget of its $whose is refused', async ({ options, says }) => {
    await using world = await open(options);
    const run = world.forRun();
    const first = await run.reserve({ outputTokensMax: 10 });
    await first?.settle(used(1_000, 450_000));
    await expect(run.reserve()).rejects.toMatchObject({
      code: 'budget_exceeded',
      retryable: false,
      message: expect.stringContaining(says),
    });
  });

  test('waits for what others have reserved and do not use', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    const first = await world.forRun().reserve();
    const second = world.forRun().reserve();
    let isThere = false;
    void second?.then(() => {
      isThere = true;
    });
    await world.uses(); // it has been looked at, and waits
    expect(isThere).toBe(false);
    await first?.settle(used(120));
    expect((await second)?.outputTokensMax).toBe(780);
  });

  test('of a run that is over waits no longer', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    await world.forRun().reserve();
    const { reserve, stopping } = world.forRun();
    const waiting = reserve();
    stopping.abort(new Error('it is over'));
    await expect(waiting).rejects.toThrow('it is over');
  });

  test('that fails gives everything back', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 }, run: { tokensMax: 1_000 } });
    const run = world.forRun();
    for (const _ of [1, 2, 3]) await (await run.reserve())?.settle(used(0));
    expect(await world.uses()).toMatchObject([{ used: 0, reserved: 0 }]);
  });

  test('of which nobody knows what it costs is refused where money is limited, and nowhere else', async () => {
    await using limited = await open({ key: { budgetUsdDay: 100 } });
    await expect(limited.forRun().reserve({ money: null })).rejects.toMatchObject({
      code: 'budget_exceeded',
      message: expect.stringContaining('"gpt-4.1"'),
    });
    await using tokens = await open({ tenant: { budgetTokensDay: 10_000 } });
    expect(await tokens.forRun().reserve({ money: null })).not.toBeNull();
  });
});

describe('calls at the same time', () => {
  test('never take more together than there is, and use up what there is', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 } });
    const calls = Array.from({ length: 50 }, async () => {
      const hold = await world.forRun().reserve({ inputTokens: 20, outputTokensMax: 80 });
      const [{ used: before = 0, reserved = 0 } = {}] = await world.uses();
      expect(before + reserved).toBeLessThanOrEqual(1_000);
      await hold?.settle(used(100));
    });
    const ended = await Promise.allSettled(calls);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await world.uses()).toMatchObject([{ used: 1_000, reserved: 0 }]);
  });

  test('of one run keep to its budget together', async () => {
    await using world = await open({ run: { tokensMax: 1_000 } });
    const run = world.forRun();
    const ended = await Promise.allSettled(
      [1, 2, 3, 4].map(async () => {
        const hold = await run.reserve({ inputTokens: 20, outputTokensMax: 480 });
        await hold?.settle(used(480));
      }),
    );
    expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  });
});

describe('a run', () => {
  test('has what earlier attempts spent counted against its budget', async () => {
    await using world = await open({ run: { tokensMax: 1_000 } });
    await expect(world.forRun(used(900)).reserve({ outputTokensMax: 10 })).rejects.toThrow('budget of a run');
  });

  test('is warned once four fifths of a budget are used', async () => {
    await using world = await open({ tenant: { budgetTokensDay: 1_000 }, run: { nanoUsdMax: 1_000_000_000 } });
    const { reserve, warnings } = world.forRun();
    await (await reserve({ outputTokensMax: 10 }))?.settle(used(799));
    expect(warnings).toEqual([]);
    await (await reserve({ outputTokensMax: 10 }))?.settle(used(1, 800_000_000));
    expect(warnings).toMatchObject([
      { scope: 'run', unit: 'usd', used: 0.8, limit: 1 },
      { scope: 'tenant', unit: 'tokens', used: 800, limit: 1_000 },
    ]);
  });

  test('is taken in with a warning near a limit, and refused at it, until the next period', async () => {
    await using world = await open({ key: { budgetTokensMonth: 1_000 } });
    const run = world.forRun();
    await (await run.reserve())?.settle(used(900));
    expect(await world.budgets.check(world.spender)).toMatchObject([{ scope: 'key', used: 900, limit: 1_000 }]);
    await (await run.reserve({ inputTokens: 1, outputTokensMax: 99 }))?.settle(used(100));
    const error = await world.budgets.check(world.spender)?.catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ code: 'budget_exceeded', status: 429 });
    const now = new Date();
    const leftMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime();
    const { retryAfterMs } = (error as { extras: { retryAfterMs: number } }).extras;
    expect(Math.abs(retryAfterMs - leftMs)).toBeLessThan(60_000);
  });
});
