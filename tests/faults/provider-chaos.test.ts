import { expect, test } from 'vitest';
import { retriesFloor, retryShareMax } from '../../src/providers/chain/limits/retry-budget.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProcesses } from '../support/processes.ts';
import { countAttempts, figuresOf, type Phase, playPhases } from './provider-chaos.ts';

const isLong = process.env.FAULTS === 'long';
/** How much is asked: enough to show a fault and, in the long form, for numbers to compare. */
const load = isLong ? { clients: 12, runsPerPhase: 200 } : { clients: 6, runsPerPhase: 8 };
/** The other provider answers so much later, in ms. */
const slowMs = 100;

/** So many requests meet each phase, in which the provider can count them. */
const metMin = 3;

/** What becomes of the first provider, in this order. */
function phasesOf(first: FakeProvider): Phase[] {
  const isCounted = async () =>
    (await first.requests()).filter(({ path }) => path === '/v1/responses').length >= metMin;
  // By the last phases the circuit breaker has opened for longer than the short form lasts.
  const isCountedInTheLongForm = async () => !isLong || (await isCounted());
  const phase = (name: string, reply: object | null, isMet = isCounted): Phase => ({
    name,
    isMet,
    async begin() {
      await first.reset();
      if (reply) await first.script({ reply });
    },
  });
  return [
    phase('well', null),
    phase('limits', { error: { status: 429 }, headers: { 'retry-after-ms': '300' } }),
    phase('hangs', { fault: { kind: 'hang' } }),
    phase('truncates', { text: 'this is no answer', fault: { kind: 'truncate', afterTokens: 2 } }),
    phase('fails', { error: { status: 500 } }, isCountedInTheLongForm),
    { name: 'dead', begin: () => first.down(), isMet: async () => true },
    {
      name: 'back',
      isMet: isCountedInTheLongForm,
      async begin() {
        await first.reset();
        await first.up();
      },
    },
  ];
}

test('while a provider limits, hangs, truncates, fails and dies, no run is lost, and no half answer is taken for a whole', async () => {
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

  const figures = figuresOf(runs);
  process.stdout.write(`${figures.map((each) => JSON.stringify(each)).join('\n')}\n${JSON.stringify(attempts)}\n`);
  expect(runs.flatMap(({ violations }) => violations)).toEqual([]);
  expect(runs.filter(({ status }) => !['completed', 'failed', 'timed_out'].includes(status))).toEqual([]);
  // What failed has failed honestly; most has not, since there is another provider all the time.
  expect(runs.filter(({ status }) => status === 'completed').length).toBeGreaterThan(runs.length * 0.7);
  for (const byProvider of attempts) {
    for (const [provider, counts] of Object.entries(byProvider)) {
      const most = retriesFloor + retryShareMax * counts.attempts;
      expect(counts.retries, provider).toBeLessThanOrEqual(most);
    }
  }
});
