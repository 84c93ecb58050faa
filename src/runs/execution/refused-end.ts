import { isStoreUnavailable, ServiceError } from '../../platform/errors.ts';
import {
  attachData,
  type FinalRun,
  hasDetachedData,
  type JournalEntries,
  type Run,
  type Store,
  type StoredEvent,
  unfinishedTurnItems,
} from '../../storage/port/index.ts';
import { costUsdOf, lastModelOf, usageOf } from './journal-totals.ts';
import { type StoreRetryDeps, withRetries } from './store-retry.ts';

/** Dependencies of the end of runs that the store has refused. */
export type RefusedEndDeps = StoreRetryDeps & { store: Pick<Store, 'runs' | 'journal'> };

/** The end of a run of which the store has refused something. */
export type RefusedEnd = { final: FinalRun; error: ServiceError; recorded: StoredEvent[] };

/** The error of a run of which the store has refused something. */
export const toRefusal = (error: unknown): ServiceError =>
  error instanceof ServiceError && error.code === 'not_storable'
    ? error
    : new ServiceError('not_storable', { what: 'the store refused it' }, { cause: error });

/** Records each entry by itself, so that only those are lost that the store does not take. Returns the recorded ones. */
export async function recordStorable(
  deps: RefusedEndDeps,
  run: Run,
  { steps, events }: JournalEntries,
): Promise<StoredEvent[]> {
  const { tenantId, id, attempt } = run;
  const isRecorded = (entries: JournalEntries) =>
    withRetries(deps, run, () => deps.store.journal.append(tenantId, id, attempt, entries)).catch((error: unknown) => {
      if (isStoreUnavailable(error)) throw error;
      return false;
    });
  const [, ...kept] = await Promise.all([
    Promise.all(steps.map((step) => isRecorded({ steps: [step], events: [] }))),
    ...events.map(async (event) => ((await isRecorded({ steps: [], events: [event] })) ? [event] : [])),
  ]);
  return kept.flat();
}

/**
 * Prepares the end of a run of which the store has refused something: what it takes of the journal is recorded, and the
 * run fails with what follows from that alone, so that its end can be stored.
 *
 * @param entries what the run was to end with; the last event is that of its end
 * @param refusal the error of the store
 * @throws {ServiceError} `store_unavailable`
 */
export async function prepareRefusedEnd(
  deps: RefusedEndDeps,
  run: Run,
  entries: JournalEntries,
  refusal: unknown,
): Promise<RefusedEnd> {
  const { runs, journal } = deps.store;
  const { tenantId, id, attempt } = run;
  const last = entries.events.at(-1) as StoredEvent;
  const recorded = await recordStorable(deps, run, { steps: entries.steps, events: entries.events.slice(0, -1) });
  const steps = await withRetries(deps, run, () => journal.steps(tenantId, id));
  const data = hasDetachedData(run.input) ? await withRetries(deps, run, () => runs.inputData(tenantId, id)) : [];
  const error = toRefusal(refusal);
  const { code, message: detail, retryable } = error;
  const final: FinalRun = {
    status: 'failed',
    error: { code, detail, retryable },
    usage: usageOf(steps),
    costUsd: costUsdOf(steps),
    model: lastModelOf(steps),
    lastAgent: null,
    response: null,
    output: null,
    annotations: null,
    files: null,
    firstTokenMs: null,
    drift: false,
    newItems: run.sessionId === null ? [] : unfinishedTurnItems(attachData(run.input, data), steps, code),
    entries: { steps: [], events: [{ seq: last.seq, type: 'run.failed', attempt, atMs: last.atMs, data: {} }] },
  };
  return { final, error, recorded };
}
