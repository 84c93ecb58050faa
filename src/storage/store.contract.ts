import { describe } from 'vitest';
import { describeConcurrency } from './contract/concurrency.contract.ts';
import { describeCreate } from './contract/create.contract.ts';
import { describeFinish } from './contract/finish.contract.ts';
import type { OpenStore } from './contract/fixture.contract.ts';
import { describeLife } from './contract/life.contract.ts';
import { describeLists } from './contract/lists.contract.ts';
import { describePause } from './contract/pause.contract.ts';
import { describeProcesses } from './contract/processes.contract.ts';
import { describeValues } from './contract/values.contract.ts';

export type { OpenStore, StoreFixture } from './contract/fixture.contract.ts';

/** The promises of the store's port, as tests that every engine passes. `open` gives an empty store to each test. */
export function describeStoreContract(engine: string, open: OpenStore): void {
  describe(`the store on ${engine}`, () => {
    describeCreate(open);
    describeFinish(open);
    describePause(open);
    describeLists(open);
    describeProcesses(open);
    describeValues(open);
    describeConcurrency(open);
    describeLife(open);
  });
}
