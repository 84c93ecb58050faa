import { randomUUID } from 'node:crypto';
import type { AgentInputItem } from '@openai/agents';
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

type Answered = { type: 'answered'; by: string; text: string; reports: object[] };
type Failed = { type: 'failed'; error: unknown };

const textOf = (output: readonly unknown[]) => /"text":"([^"]*)"/.exec(JSON.stringify(output))?.[1] ?? '';

const brokenCall = { type: 'function_call', name: 'look', callId: 'call_1', arguments: '{"order": "10' } as const;
const toldBefore: AgentInputItem[] = [
  brokenCall,
  { ...brokenCall, type: 'function_call_result', status: 'completed', output: 'An error occurred.' } as never,
];

/** One request to a provider that fails, and one after it has recovered. Each case has a model name of its own. */
async function askTwice(row: FaultRow, reply: Reply, { api, streamed }: Mode, isAlone: boolean) {
  const model = `model-${randomUUID()}`;
  const failure = { when: { model, lastUserContains: 'failing' }, reply };
  await failing.script(row.times ? { ...failure, times: row.times } : failure, {
    when: { model },
    reply: 'from the first',
  });
  const failingProvider = providerAt('first', failing.baseUrl, { api });
  const providers = isAlone ? [failingProvider] : [failingProvider, providerAt('second', other.baseUrl, { api })];
  const { ask } = createChainBench({ providers, ...(row.limits ? { limits: row.limits } : {}) });
  const history = row.toldBefore ? toldBefore : [];
  const outcome = async (message: string): Promise<Answered | Failed> =>
    ask(streamed, { model, message, history }).then(
      ({ output, by, reports }) => ({ type: 'answered', by: by?.provider ?? '', text: textOf(output), reports }),
      (error: unknown) => ({ type: 'failed', error }),
    );
  const first = await outcome('failing');
  const next = await outcome('recovered');
  return { model, first, next };
}

const names = { first: 'itself', second: 'other' } as Record<string, string>;
const codeOf = (outcome: Answered | Failed) =>
  outcome.type === 'answered' ? names[outcome.by] : ((outcome.error as ServiceError).code ?? String(outcome.error));

function expectOutcome(
  { first, next }: Awaited<ReturnType<typeof askTwice>>,
  asked: number,
  expected: Expected,
  where: string,
): void {
  expect(codeOf(first), where).toBe(expected.outcome);
  expect(asked, where).toBe(expected.asked);
  if (first.type === 'answered') {
    expect(first.text, where).toBe(first.by === 'first' ? 'from the first' : 'from the second');
  } else {
    expect(first.error, where).toBeInstanceOf(ServiceError);
    const { retryAfterMs } = (first.error as ServiceError).extras;
    // A part of the waiting time has passed when the error is returned.
    if (expected.retryAfterMs)
      expect(Math.ceil((retryAfterMs ?? 0) / 5_000), where).toBe(expected.retryAfterMs / 5_000);
  }
  const nextBy = next.type === 'failed' && codeOf(next) === 'provider_unavailable' ? 'none' : codeOf(next);
  if (expected.next) expect(nextBy, where).toBe(expected.next);
}

/** The text since it was withdrawn last is the answer. */
function expectOneAnswer(outcome: Answered | Failed, where: string): void {
  if (outcome.type !== 'answered') return;
  const reports = outcome.reports as { withdrawn?: true; text?: string }[];
  const last = reports.findLastIndex(({ withdrawn }) => withdrawn);
  expect(
    reports
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
    test(`has the documented outcome in both APIs, streamed and not, ${name}`, async () => {
      const cases = row.replies.flatMap((reply) => modesOf(row).map((mode) => ({ reply, mode })));
      const all = await Promise.all(cases.map(({ reply, mode }) => askTwice(row, reply, mode, isAlone)));
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
        if (mode.streamed) expectOneAnswer(found.first, where);
      }
    });
  }
});
