import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServiceError } from '../../src/platform/errors.ts';
import { createChainBench, providerAt } from '../support/chain-bench.ts';
import type { Reply } from '../support/fake-provider/reply.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type Expected, type FaultRow, faultTable } from './provider-faults.ts';

const apis = ['responses', 'chat_completions'] as const;
type Api = (typeof apis)[number];
type Mode = { api: Api; streamed: boolean };

let failing: FakeProvider;
let other: FakeProvider;
beforeAll(async () => {
  [failing, other] = await Promise.all([startFakeProvider(), startFakeProvider()]);
  await other.script({ when: {}, reply: 'from the second' });
});
afterAll(async () => {
  await Promise.all([failing?.[Symbol.asyncDispose](), other?.[Symbol.asyncDispose]()]);
});

const modesOf = ({ only }: FaultRow): Mode[] =>
  apis.flatMap((api) =>
    [true, false]
      .filter((streamed) => !only || (only === 'streamed') === streamed)
      .map((streamed) => ({ api, streamed })),
  );

type Answered = { type: 'answered'; by: string; text: string; told: object[] };
type Failed = { type: 'failed'; error: unknown };

const textOf = (output: readonly unknown[]) => /"text":"([^"]*)"/.exec(JSON.stringify(output))?.[1] ?? '';

/** One request to a provider that fails, and one when it is well again. The model's name tells it from all others. */
async function meet(row: FaultRow, reply: Reply, { api, streamed }: Mode, isAlone: boolean) {
  const model = `model-${randomUUID()}`;
  const failure = { when: { model, lastUserContains: 'failing' }, reply };
  await failing.script(row.times ? { ...failure, times: row.times } : failure, {
    when: { model },
    reply: 'from the first',
  });
  const first = providerAt('first', failing.baseUrl, { api });
  const providers = isAlone ? [first] : [first, providerAt('second', other.baseUrl, { api })];
  const { ask } = createChainBench({ providers, ...(row.limits ? { limits: row.limits } : {}) });
  const outcome = async (message: string): Promise<Answered | Failed> =>
    ask(streamed, { model, message }).then(
      ({ output, by, told }) => ({ type: 'answered', by: by?.provider ?? '', text: textOf(output), told }),
      (error: unknown) => ({ type: 'failed', error }),
    );
  const met = await outcome('failing');
  const next = await outcome('well again');
  return { model, met, next };
}

const names = { first: 'itself', second: 'other' } as Record<string, string>;
const codeOf = (outcome: Answered | Failed) =>
  outcome.type === 'answered' ? names[outcome.by] : ((outcome.error as ServiceError).code ?? String(outcome.error));

function expectOutcome(
  { met, next }: Awaited<ReturnType<typeof meet>>,
  asked: number,
  expected: Expected,
  where: string,
): void {
  expect(codeOf(met), where).toBe(expected.outcome);
  expect(asked, where).toBe(expected.asked);
  if (met.type === 'answered') {
    expect(met.text, where).toBe(met.by === 'first' ? 'from the first' : 'from the second');
  } else {
    expect(met.error, where).toBeInstanceOf(ServiceError);
    const { retryAfterMs } = (met.error as ServiceError).extras;
    // A part of the waiting time has passed before the answer.
    if (expected.retryAfterMs)
      expect(Math.ceil((retryAfterMs ?? 0) / 5_000), where).toBe(expected.retryAfterMs / 5_000);
  }
  const nobody = next.type === 'failed' && codeOf(next) === 'provider_unavailable' ? 'nobody' : codeOf(next);
  if (expected.next) expect(nobody, where).toBe(expected.next);
}

/** What viewers are left with: the text since it was withdrawn last. */
function expectOneAnswer(outcome: Answered | Failed, where: string): void {
  if (outcome.type !== 'answered') return;
  const told = outcome.told as { withdrawn?: true; text?: string }[];
  const last = told.findLastIndex(({ withdrawn }) => withdrawn);
  expect(
    told
      .slice(last + 1)
      .map(({ text = '' }) => text)
      .join(''),
    where,
  ).toBe(outcome.text);
}

describe.each(faultTable)('$number: $fault', (row) => {
  for (const [name, isAlone] of [
    ['with another provider', false],
    ['with no other provider', true],
  ] as const) {
    test(`meets the right reaction in both APIs, streamed and not, ${name}`, async () => {
      const cases = row.replies.flatMap((reply) => modesOf(row).map((mode) => ({ reply, mode })));
      const all = await Promise.all(cases.map(({ reply, mode }) => meet(row, reply, mode, isAlone)));
      const requests = await failing.requests();
      await failing.reset();
      for (const [index, found] of all.entries()) {
        const { reply, mode } = cases[index] as (typeof cases)[number];
        const where = JSON.stringify({ reply, ...mode });
        const asked = requests.filter(({ body }) => {
          const text = JSON.stringify(body);
          return text.includes(found.model) && text.includes('failing');
        }).length;
        expectOutcome(found, asked, isAlone ? row.alone : row.withOther, where);
        if (mode.streamed) expectOneAnswer(found.met, where);
      }
    });
  }
});
