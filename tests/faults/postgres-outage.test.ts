import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { type PostgresServer, startPostgresServer } from '../support/postgres-server.ts';
import { openTcpRelay } from '../support/tcp-relay.ts';
import { expectNobodyTookOver, expectNothingLost } from './outage-expectations.ts';
import { createDatabaseOn, loggedAgain, openWorld, queryOnce } from './postgres-world.ts';

const isLong = process.env.FAULTS === 'long';
/** Restarts of the server, or cuts of its connections, in one test. */
const rounds = isLong ? 25 : 2;
/** Events that clients see between two of them. */
const eventsBetween = isLong ? 80 : 30;
/** Runs of one load, of which some are executed at every moment while it lasts. */
const runsAtOnce = 24;
/** Decides about the runs; `FAULTS_SEED` gives it again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(1_000_000));

let server: PostgresServer;
let databases = 0;

beforeAll(async () => {
  server = await startPostgresServer();
});
afterAll(() => server?.remove());

const createDatabase = () => {
  databases += 1;
  return createDatabaseOn(server.url, `outage_${databases}`);
};

test('while Postgres is restarted under load, each time for less than a lease, every run completes in the process that began it', async () => {
  const databaseUrl = await createDatabase();
  await using world = await openWorld({ urls: [databaseUrl, databaseUrl], databaseUrl, lease: 10, seed });
  await world.underLoad(async () => {
    for (let round = 0; round < rounds; round += 1) {
      await world.seen(eventsBetween);
      await server.stop(round % 2 === 0 ? 'immediate' : 'fast');
      await server.start();
    }
  });
  const judgement = await world.judge();
  expectNothingLost(judgement, seed);
  expectNobodyTookOver(world, judgement);
});

test('while Postgres is away for longer than a lease, runs are given up before it ends, and go on afterwards', async () => {
  const databaseUrl = await createDatabase();
  const lease = 5; // what is left of it at the outage is more than the second by which that moves the steady time
  await using world = await openWorld({ urls: [databaseUrl, databaseUrl], databaseUrl, lease, seed });
  await world.underLoad(async () => {
    for (let round = 0; round < (isLong ? 5 : 1); round += 1) {
      await world.seen(eventsBetween);
      await server.stop(round % 2 === 0 ? 'immediate' : 'fast');
      // There are four heartbeats in a lease, and a process does not wait for the last one.
      await Promise.all(world.services.map((service) => loggedAgain(service, 'the heartbeat failed', 6)));
      await server.start();
    }
  }, runsAtOnce);
  const judgement = await world.judge();
  expectNothingLost(judgement, seed);
  expect(world.logged('the lease cannot be extended; runs are given up before it ends')).toBeGreaterThan(0);
  expect(world.logged('the run of a dead process is queued again')).toBe(0);
});

test('while all connections are cut again and again, every run completes and no live run is taken over', async () => {
  await using database = await createTestDatabase();
  const { url: databaseUrl } = database;
  await using relay = await openTcpRelay(databaseUrl);
  await using world = await openWorld({ urls: [relay.url, databaseUrl], databaseUrl, lease: 10, seed });
  const cutAll = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  await world.underLoad(async () => {
    for (let round = 0; round < 3 * rounds; round += 1) {
      await world.seen(eventsBetween / 3);
      if (round % 2 === 0) await queryOnce(databaseUrl, cutAll);
      else relay.cutAll(); // those of one service
    }
  });
  const judgement = await world.judge();
  expectNothingLost(judgement, seed);
  expectNobodyTookOver(world, judgement);
});
