import { describe } from 'vitest';
import { describeBudgets } from './contract/budgets.contract.ts';
import { describeCancel } from './contract/cancel.contract.ts';
import { describeClaim } from './contract/claim.contract.ts';
import { describeConcurrency } from './contract/concurrency.contract.ts';
import { describeContinuation } from './contract/continuation.contract.ts';
import { describeCreate } from './contract/create.contract.ts';
import { describeExpiry } from './contract/expiry.contract.ts';
import { describeFinish } from './contract/finish.contract.ts';
import type { OpenStore } from './contract/fixture.contract.ts';
import { describeGroupedWrites } from './contract/grouped-writes.contract.ts';
import { describeIdempotency } from './contract/idempotency.contract.ts';
import { describeInput } from './contract/input.contract.ts';
import { describeJournal } from './contract/journal.contract.ts';
import { describeKeys } from './contract/keys.contract.ts';
import { describeLifecycle } from './contract/lifecycle.contract.ts';
import { describeLists } from './contract/lists.contract.ts';
import { describePause } from './contract/pause.contract.ts';
import { describeProcesses } from './contract/processes.contract.ts';
import { describeProviders } from './contract/providers.contract.ts';
import { describeRaces } from './contract/races.contract.ts';
import { describeRandomOperations } from './contract/random-operations.contract.ts';
import { describeRecovery } from './contract/recovery.contract.ts';
import { describeRetention } from './contract/retention.contract.ts';
import { describeRunState } from './contract/run-state.contract.ts';
import { describeSessionQueue } from './contract/session-queue.contract.ts';
import { describeSignals } from './contract/signals.contract.ts';
import { describeTime } from './contract/time.contract.ts';
import { describeUnfinishedTurn } from './contract/unfinished-turn.contract.ts';
import { describeValues } from './contract/values.contract.ts';
import { describeWebhooks } from './contract/webhooks.contract.ts';

export type { OpenStore, StoreFixture } from './contract/fixture.contract.ts';

/** The promises of the store's port, as tests that every engine passes. `open` gives an empty store to each test. */
export function describeStoreContract(engine: string, open: OpenStore): void {
  describe(`the store on ${engine}`, () => {
    describeCreate(open);
    describeSessionQueue(open);
    describeContinuation(open);
    describeIdempotency(open);
    describeClaim(open);
    describeTime(open);
    describeJournal(open);
    describeFinish(open);
    describeRunState(open);
    describePause(open);
    describeExpiry(open);
    describeCancel(open);
    describeRecovery(open);
    describeUnfinishedTurn(open);
    describeInput(open);
    describeLists(open);
    describeWebhooks(open);
    describeRetention(open);
    describeKeys(open);
    describeBudgets(open);
    describeProcesses(open);
    describeProviders(open);
    describeSignals(open);
    describeValues(open);
    describeConcurrency(open);
    describeGroupedWrites(open);
    describeRaces(open);
    describeRandomOperations(open);
    describeLifecycle(open);
  });
}
