import { describe, expect, test } from 'vitest';
import type { Step, Usage } from '../port/index.ts';
import { finalRun, journalOf, newEvent, newStep, noUsage, type OpenStore, start, tenant } from './fixture.contract.ts';

const refusal = { name: 'ServiceError', code: 'not_storable', retryable: false };

const withTokens = (inputTokens: unknown) => newStep(1, { usage: { ...noUsage, inputTokens } as Usage });
const circular: Record<string, unknown> = {};
circular.self = circular;

/** Steps that no column can hold, by what is wrong with them, and the place that the error has to name. */
const steps: Record<string, [step: Step, place: RegExp]> = {
  'a fraction of a token': [withTokens(5.5), /steps\.input_tokens/],
  'fewer than no tokens': [withTokens(-1), /steps\.input_tokens/],
  'more tokens than a number counts': [withTokens(1e20), /steps\.input_tokens/],
  'tokens as a text': [withTokens('5'), /steps\.input_tokens/],
  'no number of tokens': [withTokens(Number.NaN), /steps\.input_tokens/],
  'an infinite cost': [newStep(1, { costUsd: Number.POSITIVE_INFINITY }), /steps\.cost_usd/],
  'a call id that is a number': [newStep(1, { callId: 7 as unknown as string }), /steps\.call_id/],
  'a call id that is an object': [newStep(1, { callId: {} as unknown as string }), /steps\.call_id/],
  'an output that goes in circles': [newStep(1, { output: circular as never }), /encoded/],
  'a number of 64 bits in an output': [newStep(1, { output: { n: 1n } as never }), /encoded/],
  'a status that does not exist': [newStep(1, { status: 'dreaming' as never }), /./],
};

/** What happens to a value that the store cannot hold: it is refused as such, alone and at once. */
export function describeNotStorable(open: OpenStore): void {
  describe('a value that cannot be stored', () => {
    for (const [name, [step, place]] of Object.entries(steps)) {
      test(`is refused by a journal with not_storable, and nothing of its append is recorded: ${name}`, async () => {
        await using fixture = await open();
        const { journal } = fixture.store;
        const run = await start(fixture.store);
        const appended = journal.append(tenant, run.id, 1, { steps: [newStep(2), step], events: [newEvent(2)] });
        await expect(appended).rejects.toMatchObject({ ...refusal, message: expect.stringMatching(place) });
        expect(await journalOf(fixture.store, run)).toEqual({ steps: [], events: [] });
      });
    }

    test('does no harm to the appends of other runs at the same moment', async () => {
      await using fixture = await open();
      const { journal } = fixture.store;
      const runs = await Promise.all(Array.from({ length: 24 }, () => start(fixture.store, { sessionId: null })));
      const bad = Object.values(steps).map(([step]) => step);
      const outcomes = await Promise.allSettled(
        runs.map(({ id }, n) =>
          journal.append(tenant, id, 1, { steps: [bad[n] ?? newStep(1)], events: [newEvent(2, { data: { n } })] }),
        ),
      );
      for (const [n, run] of runs.entries()) {
        if (n < bad.length) expect(outcomes[n]).toMatchObject({ status: 'rejected', reason: refusal });
        else expect(outcomes[n]).toEqual({ status: 'fulfilled', value: true });
        expect((await journalOf(fixture.store, run)).events).toMatchObject(n < bad.length ? [] : [{ data: { n } }]);
      }
    });

    const ends = {
      'a fraction of a token': { usage: { ...noUsage, outputTokens: 0.5 } },
      'an infinite cost': { costUsd: Number.POSITIVE_INFINITY },
      'a time that is no whole number': { firstTokenMs: 0.5 },
      'a model that is a number': { model: 7 as unknown as string },
      'an output that goes in circles': { output: circular as never },
      'a step with a fraction of a token': { entries: { steps: [withTokens(5.5)], events: [newEvent(2)] } },
    };
    for (const [name, end] of Object.entries(ends)) {
      test(`leaves a run as it was that was to end with it, and others end at the same moment: ${name}`, async () => {
        await using fixture = await open();
        const { runs } = fixture.store;
        const started = await Promise.all([1, 2, 3].map((n) => start(fixture.store, { sessionId: `s-${n}` })));
        const alone = await Promise.all([1, 2, 3].map(() => start(fixture.store, { sessionId: null })));
        const all = [...started, ...alone];
        const outcomes = await Promise.allSettled(
          all.map((run, n) => runs.finish(run, finalRun(n % 3 === 1 ? end : { response: 'fine' }))),
        );
        for (const [n, run] of all.entries()) {
          if (n % 3 === 1) expect(outcomes[n]).toMatchObject({ status: 'rejected', reason: refusal });
          const stored = await runs.get(tenant, run.id);
          expect(stored).toMatchObject(
            n % 3 === 1 ? { status: 'running', ownerId: run.ownerId } : { status: 'completed' },
          );
        }
      });
    }
  });
}
