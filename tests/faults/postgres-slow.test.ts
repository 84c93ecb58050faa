import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { openTcpRelay } from '../support/tcp-relay.ts';
import { expectNobodyTookOver, expectNothingLost } from './outage-expectations.ts';
import { openWorld, residentBytes } from './postgres-world.ts';

const isLong = process.env.FAULTS === 'long';
/** Decides about the runs; `FAULTS_SEED` gives it again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(1_000_000));
/** Connections of one service: its pool, and the one on which it listens. */
const connectionsMax = 10 + 1;
/** What a service may take more than after a load at full speed, in bytes, whatever the store does. */
const moreBytesMax = 96 * 2 ** 20;

/**
 * The lease, in seconds: heartbeats come four times as often, though not before the one under way is answered. A machine
 * on which a process is not let run for the rest of it would make it give its runs up, and rightly.
 */
const lease = 8;
/** How much later answers come, and how many runs are asked for meanwhile. */
const slowness = isLong
  ? [
      { delayMs: 300, runs: 200 },
      { delayMs: 2_000, runs: 80 },
    ]
  : [
      { delayMs: 200, runs: 4 },
      { delayMs: 700, runs: 2 },
    ];

test('while Postgres is slow, no live run is taken over, memory and connections stay bounded, and every run completes afterwards', async () => {
  await using database = await createTestDatabase();
  await using relay = await openTcpRelay(database.url);
  const urls = [relay.url, relay.url];
  await using world = await openWorld({ urls, databaseUrl: database.url, lease, seed });
  await world.load(isLong ? 200 : 8);
  const bytes = () => Math.max(...world.services.map(({ pid }) => residentBytes(pid)));
  const taken = [bytes()];
  for (const { delayMs, runs } of slowness) {
    relay.delayAnswers(delayMs);
    const watch = async () => {
      await world.seen(runs);
      taken.push(bytes());
      expect(relay.lines()).toBeLessThanOrEqual(urls.length * connectionsMax);
    };
    await Promise.all([watch(), world.load(runs)]);
    taken.push(bytes());
  }
  relay.delayAnswers(0);
  expect((await world.load(8)).errors).toEqual([]);
  taken.push(bytes());
  if (isLong) process.stdout.write(`slow: ${JSON.stringify({ seed, taken })}\n`);
  expect(Math.max(...taken) - (taken[0] ?? 0)).toBeLessThan(moreBytesMax);
  const judgement = await world.judge();
  expectNothingLost(judgement, seed);
  expectNobodyTookOver(world, judgement);
});
