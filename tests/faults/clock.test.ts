import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { readEvents } from '../support/sse.ts';
import { expectNobodyTookOver, expectNothingLost } from './outage-expectations.ts';
import { openWorld, queryOnce } from './postgres-world.ts';

const isLong = process.env.FAULTS === 'long';
const hourMs = 3_600_000;
/** Decides about the runs; `FAULTS_SEED` gives it again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(1_000_000));
/** Where the clock is put one time after the other, in ms off the right time. */
const jumps = Array.from({ length: isLong ? 10 : 1 }, () => [hourMs, -hourMs, 24 * hourMs]).flat();

/** Sets the clock of a database. */
const setClock = (url: string, offMs: number) =>
  queryOnce(
    url,
    `create or replace function now_ms() returns bigint language sql volatile
      return floor(extract(epoch from clock_timestamp()) * 1000)::bigint + ${offMs}`,
  );

test('while the clock of the database is set forward and back under load, leases hold and every run has its time', async () => {
  await using database = await createTestDatabase();
  const { url: databaseUrl } = database;
  await using world = await openWorld({ urls: [databaseUrl, databaseUrl], databaseUrl, lease: 8, seed });
  await world.underLoad(async () => {
    for (const offMs of jumps) {
      await world.seen(20);
      await setClock(databaseUrl, offMs);
    }
  });
  const judgement = await world.judge();
  // A clock that is set back costs a caller one interval of its rate.
  expectNothingLost(judgement, seed, ['429 rate_limited']);
  expectNobodyTookOver(world, judgement);
});

const ends = [
  { end: 'is killed', signal: 'SIGKILL' as const, way: 'forward', offMs: hourMs },
  { end: 'stands still, its connections open,', signal: 'SIGSTOP' as const, way: 'back', offMs: -hourMs },
  { end: 'is killed', signal: 'SIGKILL' as const, way: 'back', offMs: -hourMs },
  { end: 'stands still, its connections open,', signal: 'SIGSTOP' as const, way: 'forward', offMs: hourMs },
];
test.each(isLong ? ends : ends.slice(0, 2))(
  'a process that $end before the clock is set $way loses its run to another, once',
  async ({ signal, offMs }) => {
    await using database = await createTestDatabase();
    const { url: databaseUrl } = database;
    await using world = await openWorld({ urls: [databaseUrl, databaseUrl], databaseUrl, lease: 4, seed });
    const { services, provider } = world;
    const [victim, other] = services as [(typeof services)[0], (typeof services)[0]];
    await provider.script({ when: { nth: 1 }, reply: { text: 'Too late.', hold: { name: 'first' } } });
    const asked = victim.post('/api/v1/run', { message: '[[text In time.]]', timeout_s: 60 }).catch(() => 'lost');
    await provider.held('first');
    const { body } = await other.get('/api/v1/runs');
    const [{ run_id: runId }] = body.data as [{ run_id: string }];
    victim.kill(signal);
    await setClock(databaseUrl, offMs);
    let run = { status: 'running' } as Record<string, unknown>;
    while (run.status !== 'completed' && run.status !== 'failed') {
      await readEvents(await fetch(`${other.url}/api/v1/runs/${runId}/events`)).all();
      const answer = await other.get(`/api/v1/runs/${runId}`);
      if (answer.status === 200) run = answer.body; // a clock that is set back costs a caller one interval of its rate
    }
    expect(run).toMatchObject({ status: 'completed', response: 'In time.', attempt: 2, crashes: 1 });
    victim.kill('SIGKILL');
    await asked;
  },
);
