import { describe, expect, test } from 'vitest';
import { type BudgetAccount, type BudgetHold, noBudgets, type Spending, type Store } from '../port/index.ts';
import {
  live,
  longAgoMs,
  newId,
  newStep,
  notYetMs,
  noUsage,
  type OpenStore,
  start,
  tenant,
} from './fixture.contract.ts';

const account = (overrides: Partial<BudgetAccount> = {}): BudgetAccount => ({
  id: 'tenant:a:2026-01-01',
  endsAtMs: notYetMs,
  tokensMax: null,
  nanoUsdMax: null,
  ...overrides,
});

const spending = (tokens: number, nanoUsd = 0): Spending => ({ tokens, nanoUsd });

const newHold = (overrides: Partial<BudgetHold> = {}): BudgetHold => ({
  id: newId('hold'),
  tenantId: tenant,
  runId: 'run_1',
  stepKey: 'm::0',
  attempt: 1,
  processId: 'proc_1',
  spending: spending(10, 100),
  ...overrides,
});

const stateOf = async (store: Store, id = account().id) => (await store.budgets.states([id]))[0];

/** What `BudgetStore` promises. */
export function describeBudgets(open: OpenStore): void {
  describe('budgets', () => {
    test('a tenant has the budgets that were set, until others or none are set', async () => {
      await using fixture = await open();
      const { budgets } = fixture.store;
      expect(await budgets.ofTenant('acme')).toBeNull();
      const given = { budgetUsdDay: 0.1, budgetTokensDay: 0, budgetUsdMonth: null, budgetTokensMonth: 90_000_000_000 };
      await budgets.setTenant('acme', given);
      await budgets.setTenant(tenant, { ...noBudgets, budgetUsdMonth: 1 });
      expect(await budgets.ofTenant('acme')).toEqual(given);
      expect(await budgets.tenants()).toEqual([
        { tenantId: 'acme', budgets: given },
        { tenantId: tenant, budgets: { ...noBudgets, budgetUsdMonth: 1 } },
      ]);
      await budgets.setTenant('acme', noBudgets);
      expect(await budgets.ofTenant('acme')).toBeNull();
      expect(await budgets.tenants()).toHaveLength(1);
    });

    test('what is reserved counts, and is replaced by what was used', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const hold = newHold();
      const made = await store.budgets.reserve(hold, [account({ tokensMax: 10, nanoUsdMax: 100 })]);
      const reserved = { id: account().id, used: spending(0), reserved: spending(10, 100) };
      expect(made).toEqual({ reserved: true, accounts: [reserved] });
      const [settled] = await store.budgets.settle(hold.id, spending(3, 40));
      expect(settled).toEqual({ ...reserved, used: spending(3, 40), reserved: spending(0) });
      expect(await stateOf(store)).toEqual(settled);
    });

    test('a reservation that is repeated after a lost answer counts once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const hold = newHold();
      for (const _ of [1, 2]) {
        expect((await store.budgets.reserve(hold, [account({ tokensMax: 10 })])).reserved).toBe(true);
        expect(await stateOf(store)).toMatchObject({ reserved: spending(10, 100) });
      }
    });

    test('a call is settled once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const hold = newHold();
      await store.budgets.reserve(hold, [account()]);
      await store.budgets.settle(hold.id, spending(3, 40));
      expect(await store.budgets.settle(hold.id, spending(3, 40))).toEqual([]);
      expect(await stateOf(store)).toMatchObject({ used: spending(3, 40) });
    });

    test.each([
      { kind: 'tokens', limit: { tokensMax: 29 } },
      { kind: 'money', limit: { nanoUsdMax: 299 } },
    ])('what would be above a limit on $kind is reserved nowhere', async ({ limit }) => {
      await using fixture = await open();
      const { store } = fixture;
      const accounts = [account(limit), account({ id: 'key:k:2026-01-01' })];
      const used = newHold();
      await store.budgets.reserve(used, accounts);
      await store.budgets.settle(used.id, used.spending);
      await store.budgets.reserve(newHold(), accounts);
      const refused = await store.budgets.reserve(newHold(), accounts);
      expect(refused.reserved).toBe(false);
      expect(refused.accounts).toHaveLength(2);
      for (const state of refused.accounts) {
        expect(state).toMatchObject({ used: spending(10, 100), reserved: spending(10, 100) });
      }
      expect((await store.budgets.reserve(newHold({ spending: spending(9, 99) }), accounts)).reserved).toBe(true);
    });

    test('a limit on a unit that a call does not use does not refuse it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const limits = [account({ tokensMax: 0 }), account({ id: 'b', nanoUsdMax: 0 })];
      expect((await store.budgets.reserve(newHold({ spending: spending(0, 0) }), limits)).reserved).toBe(true);
      expect((await store.budgets.reserve(newHold({ spending: spending(0, 1) }), limits)).reserved).toBe(false);
      expect((await store.budgets.reserve(newHold({ spending: spending(1, 0) }), limits)).reserved).toBe(false);
    });

    test('however many processes reserve at once, no limit is exceeded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const joined = await fixture.join();
      const accounts = [account({ tokensMax: 105 }), account({ id: 'another', nanoUsdMax: 2_000 })];
      const holds = Array.from({ length: 50 }, () => newHold());
      const made = await Promise.all(
        holds.map((hold, n) =>
          // In either order: whoever locks accounts one after the other in the order given would wait for ever.
          (n % 2 === 0 ? store : joined).budgets.reserve(hold, n % 3 === 0 ? accounts : accounts.toReversed()),
        ),
      );
      expect(made.filter(({ reserved }) => reserved)).toHaveLength(10);
      expect(await stateOf(store)).toMatchObject({ reserved: spending(100, 1_000) });
      await Promise.all(holds.map(({ id }, n) => (n % 2 === 0 ? joined : store).budgets.settle(id, spending(1, 1))));
      expect(await stateOf(joined)).toMatchObject({ used: spending(10, 10), reserved: spending(0) });
    });

    test('calls of dead processes are settled by their entries in the journal', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await live(store, 'proc_alive');
      const run = await start(store);
      const usage = { ...noUsage, requests: 1, inputTokens: 5, outputTokens: 2, totalTokens: 7 };
      const odd = 'm:/call_\u0000"é:0';
      await store.journal.append(tenant, run.id, run.attempt, {
        steps: [
          newStep(1, { key: 'm::0', usage, costUsd: 0.000_000_042 }),
          newStep(2, { key: odd, usage, costUsd: null }),
        ],
        events: [],
      });
      const hold = { runId: run.id, processId: 'proc_dead' };
      await store.budgets.reserve(newHold(hold), [account()]);
      await store.budgets.reserve(newHold({ ...hold, stepKey: odd }), [account()]);
      await store.budgets.reserve(newHold({ ...hold, stepKey: 'm::1' }), [account()]); // broken off
      await store.budgets.reserve(newHold({ ...hold, attempt: 0 }), [account()]); // of an attempt before
      await store.budgets.reserve(newHold({ ...hold, processId: 'proc_alive', stepKey: 'm::2' }), [account()]);
      expect(await store.budgets.settleAbandoned(3)).toBe(3);
      expect(await store.budgets.settleAbandoned(3)).toBe(1);
      expect(await store.budgets.settleAbandoned(3)).toBe(0);
      expect(await stateOf(store)).toMatchObject({ used: spending(14, 142), reserved: spending(10, 100) });
    });

    test('accounts are removed after their period, unless they have reservations', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const over = account({ endsAtMs: longAgoMs });
      const held = account({ id: 'held', endsAtMs: longAgoMs });
      const hold = newHold();
      await store.budgets.reserve(hold, [over, account({ id: 'open' })]);
      await store.budgets.settle(hold.id, spending(1));
      await store.budgets.reserve(newHold(), [held]);
      expect(await store.budgets.forget(longAgoMs, 10)).toBe(0);
      expect(await store.budgets.forget(longAgoMs + 1, 10)).toBe(1);
      expect((await store.budgets.states([over.id, held.id, 'open'])).map(({ id }) => id).toSorted()).toEqual([
        'held',
        'open',
      ]);
    });

    test('a run stores the key whose budgets it uses', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const run = await start(store, { budgetKeyId: 'key_1' });
      expect(run.budgetKeyId).toBe('key_1');
      expect((await store.runs.get(tenant, run.id))?.budgetKeyId).toBe('key_1');
      expect((await start(store, { sessionId: null })).budgetKeyId).toBeNull();
    });
  });
}
