import { expect, test } from 'vitest';
import { retriesFloor, retryShareMax } from '../../src/providers/chain/limits/retry-budget.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProcesses } from '../support/processes.ts';
import { countAttempts, type Phase, playPhases, summarize } from './provider-chaos.ts';

const isLong = process.env.FAULTS === 'long';
/** The load: enough to find errors, and in the long form enough for the table in `docs/providers.md`. */
const load = isLong ? { clients: 12, runsPerPhase: 200 } : { clients: 6, runsPerPhase: 8 };
/** The delay of the other provider's answers, in ms. */
const slowMs = 100;

/** Requests that have to reach the provider in each phase in which it can count them. */
const requestsMin = 3;

/** The behaviours of the first provider, in this order. */
function phasesOf(first: FakeProvider): Phase[] {
  const isCovered = async () =>
    (await first.requests()).filter(({ path }) => path === '/v1/responses').length >= requestsMin;
  // In the last phases the circuit breaker is open for longer than the short form lasts.
  const isCoveredInTheLongForm = async () => !isLong || (await isCovered());
  const phase = (name: string, reply: object | null, covered = isCovered): Phase => ({
    name,
    isCovered: covered,
    async begin() {
      await first.reset();
      if (reply) await first.script({ reply });
    },
  });
  return [
    phase('answers', null),
    phase('limits', { error: { status: 429 }, headers: { 'retry-after-ms': '300' } }),
    phase('hangs', { fault: { kind: 'hang' } }),
    phase('truncates', { text: 'this is no answer', fault: { kind: 'truncate', afterTokens: 2 } }),
    phase('fails', { error: { status: 500 } }, isCoveredInTheLongForm),
    { name: 'dead', begin: () => first.down(), isCovered: async () => true },
    {
      name: 'back',
      isCovered: isCoveredInTheLongForm,
      async begin() {
        await first.reset();
        await first.up();
      },
    },
  ];
}

test('while a provider limits, hangs, truncates, fails and stops, no run is lost, and no truncated answer is accepted', {
  timeout: isLong ? 1_800_000 : 240_000,
}, async () => {
  await using database = await createTestDatabase();
  await using first = await startFakeProvider();
  await using second = await startFakeProvider({ slowMs });
  await using processes = startProcesses({
    provider: first,
    env: {
      DATABASE_URL: database.url,
      FALLBACK_OPENAI_BASE_URL: second.baseUrl,
      FALLBACK_OPENAI_API_KEY: 'sk-second',
      FALLBACK_OPENAI_API: 'responses',
      OPENAI_TIMEOUT: '8',
      PROVIDER_FIRST_EVENT_TIMEOUT: '1',
      PROVIDER_IDLE_TIMEOUT: '2',
    },
  });
  const services = await Promise.all([processes.start(), processes.start()]);

  const runs = await playPhases(services, phasesOf(first), load);
  const attempts = await Promise.all(services.map(countAttempts));

  const summary = summarize(runs);
  process.stdout.write(`${summary.map((each) => JSON.stringify(each)).join('\n')}\n${JSON.stringify(attempts)}\n`);
  expect(runs.flatMap(({ violations }) => violations)).toEqual([]);
  expect(runs.filter(({ status }) => !['completed', 'failed', 'timed_out'].includes(status))).toEqual([]);
  // Failed runs have an expected code. Most runs complete, since another provider is always available.
  expect(runs.filter(({ status }) => status === 'completed').length).toBeGreaterThan(runs.length * 0.7);
  for (const byProvider of attempts) {
    for (const [provider, counts] of Object.entries(byProvider)) {
      const retriesMax = retriesFloor + retryShareMax * counts.attempts;
      expect(counts.retries, provider).toBeLessThanOrEqual(retriesMax);
    }
  }
});
