import { randomInt } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore, type TestStore } from '../../../tests/support/postgres-store.ts';
import { createRandom } from '../../../tests/support/random.ts';
import type { Share, ShareRequest } from '../port/index.ts';

let database: TestDatabase;
let store: TestStore;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openPostgresStore(database.url);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await store[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const limit = 12;
const leaseMs = 600_000;

async function ask(
  keyId: string,
  processId: string,
  wanted: number,
  used = 0,
  more: Partial<ShareRequest> = {},
): Promise<Share> {
  const share = await store.providers.share?.({ keyId, processId, limit, wanted, used, leaseMs, ...more });
  if (!share) throw new Error('there are no shares here');
  return share;
}

test('a process alone gets all that it asks for, up to the limit', async () => {
  expect(await ask('alone', 'p1', 5)).toEqual({ granted: 5, processes: 1 });
  expect(await ask('alone', 'p1', 50, 5)).toEqual({ granted: limit, processes: 1 });
});

test('a process with more than its share releases it to waiting processes, as its calls end', async () => {
  await ask('fair', 'p1', 50);
  expect(await ask('fair', 'p2', 50)).toEqual({ granted: 0, processes: 2 });
  expect((await ask('fair', 'p1', 50, 10)).granted).toBe(10); // it cannot give back what is in use
  expect((await ask('fair', 'p2', 50)).granted).toBe(2);
  expect((await ask('fair', 'p1', 50, 4)).granted).toBe(6);
  expect((await ask('fair', 'p2', 50, 2)).granted).toBe(6);
});

test('what a process does not need is for the others', async () => {
  await ask('idle', 'p1', 50);
  await ask('idle', 'p2', 50);
  expect((await ask('idle', 'p1', 0)).granted).toBe(0);
  expect((await ask('idle', 'p2', 50)).granted).toBe(limit);
});

test('keys do not share their places', async () => {
  await ask('one', 'p1', 50);
  expect((await ask('another', 'p2', 50)).granted).toBe(limit);
});

test('for a process that is not heard of any more its part is kept, and no more', async () => {
  await ask('silent', 'p1', 2);
  await ask('silent', 'p2', 10, 0, { leaseMs: -1 });
  expect((await ask('silent', 'p1', 50, 2)).granted).toBe(limit - 10);
  await ask('gone', 'p1', 50, 0, { leaseMs: -60_001 });
  expect((await ask('gone', 'p2', 50)).granted).toBe(limit);
});

test('a process that stops gives back what it has', async () => {
  await ask('stops', 'p1', 50);
  await store.providers.leaveShares('p1');
  expect((await ask('stops', 'p2', 50)).granted).toBe(limit);
});

test('however many processes ask for how many places at the same time, all together have no more than there are', async () => {
  const seed = randomInt(1_000_000);
  const random = createRandom(seed);
  const used = new Map<string, number>();
  for (let round = 0; round < 25; round += 1) {
    const asking = Array.from({ length: 4 }, () => `p${random.between(1, 6)}`);
    await Promise.all(
      [...new Set(asking)].map(async (processId) => {
        const inUse = random.between(0, used.get(processId) ?? 0); // some of its calls have ended
        const { granted } = await ask('storm', processId, inUse + random.between(0, 8), inUse);
        used.set(processId, granted);
      }),
    );
    const { rows } = await admin.query<{ sum: string }>(
      "select sum(granted) from provider_shares where key_id = 'storm'",
    );
    expect(Number(rows[0]?.sum), `seed ${seed}`).toBeLessThanOrEqual(limit);
  }
});
