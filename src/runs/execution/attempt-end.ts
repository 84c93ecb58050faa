import type { RunContexts } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import { isStoreUnavailable, ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { FinalRun, JournalEntries, Run, Store, StoredEvent } from '../../storage/port/index.ts';
import type { ActiveRun, AttemptEnd } from '../active-runs.ts';
import { toLiveEvent } from '../events/stored-events.ts';
import type { HitFailpoint } from '../failpoints.ts';
import type { RunMetrics } from '../metrics.ts';
import { isFinal } from '../run-state.ts';
import type { Execution } from './execution-outcome.ts';
import type { Journal } from './journal.ts';
import { prepareRefusedEnd, recordStorable, toRefusal } from './refused-end.ts';
import { logRunEnd } from './run-end-log.ts';
import { withRetries } from './store-retry.ts';

const noEntries: JournalEntries = { steps: [], events: [] };

/** Dependencies of the end of attempts. */
export type AttemptEndsDeps = {
  store: Pick<Store, 'runs' | 'journal'>;
  /** Whether the log has messages and responses. */
  logsContent: boolean;
  /** Whether the context of a run is kept in its session. */
  contexts: Pick<RunContexts, 'keep'>;
  metrics: Pick<RunMetrics, 'ended'>;
  hitFailpoint: HitFailpoint;
  clock: Clock;
  log: Logger;
};

type Handle = Omit<ActiveRun, 'ended'>;

/** Ends attempts in the store: the run ends or pauses, or is handed back to the queue. */
export function createAttemptEnds(deps: AttemptEndsDeps) {
  const { store, logsContent, contexts, metrics, hitFailpoint, log } = deps;

  return {
    /**
     * Stores the end or the pause of a run. A run of which the store refuses something ends as failed, `not_storable`.
     *
     * @throws {ServiceError} `store_unavailable`; `internal` if the store refuses this end too
     */
    async end({ run, log: live }: Handle, journal: Journal, execution: Execution): Promise<AttemptEnd> {
      const entries = await journal.close(lastEvent(execution));
      hitFailpoint('run.beforeEnd');
      const sessionContext = contexts.keep === 'session' ? journal.side.contexts.recorded() : undefined;
      const end = await storeEnd(deps, run, journal, execution, { entries, sessionContext });
      if (!end) {
        log.error({ runId: run.id, attempt: run.attempt }, 'another process has taken this run over');
        return { type: 'handed_back' };
      }
      hitFailpoint('run.afterEnd');
      const { run: stored } = end;
      // A run that was to pause may have been cancelled instead; the store has emitted that event itself.
      if (stored.status === lastStatus(end.execution))
        live.publish(end.events.map((event) => toLiveEvent(stored, event)));
      logRunEnd(log, stored, end.execution, { withContent: logsContent, operation: end.refused });
      if (isFinal(stored.status)) metrics.ended(stored);
      return {
        type: 'ended',
        run: stored,
        retryAfterMs: end.execution.type === 'ended' ? end.execution.retryAfterMs : undefined,
      };
    },

    /**
     * Hands a run back to the queue.
     *
     * @param wakeInMs when it is to go on, in ms from now; its deadline stays the same. Defaults to at once
     */
    async handBack({ run }: Handle, journal: Journal, wakeInMs?: number): Promise<AttemptEnd> {
      const entries = await journal.close(null);
      const { tenantId, id, attempt } = run;
      hitFailpoint('run.beforeHandBack');
      const write = (written: JournalEntries) =>
        withRetries(deps, run, () => store.runs.handBack(tenantId, id, attempt, written, wakeInMs));
      const written = await write(entries).catch(async (error: unknown) => {
        if (isStoreUnavailable(error)) throw error;
        log.error({ runId: id, err: toRefusal(error), operation: 'handBack' }, 'entries of a run could not be stored');
        await recordStorable(deps, run, entries);
        return write(noEntries);
      });
      hitFailpoint('run.afterHandBack');
      if (!written) log.error({ runId: id, attempt }, 'another process has taken this run over');
      else if (wakeInMs !== undefined) log.warn({ runId: id, attempt, wakeInMs }, 'run waits for a model provider');
      else log.info({ runId: id, attempt }, 'run handed back');
      return { type: 'handed_back' };
    },
  };
}

type Ending = Pick<FinalRun, 'entries' | 'sessionContext'>;

/**
 * How a run ended, as it was stored, what of it is to be shown, and the operation that the store refused; null if another
 * process has taken the run over.
 */
type StoredEnd = { run: Run; execution: Execution; events: StoredEvent[]; refused?: string } | null;

/** See `tryStoreEnd`; an error is logged, and told with the run's id. */
const storeEnd = (...args: Parameters<typeof tryStoreEnd>): Promise<StoredEnd> =>
  tryStoreEnd(...args).catch((error: unknown) => {
    const [{ log }, { id: runId }] = args;
    log.error({ runId, err: error }, 'the end of a run could not be stored');
    throw new ServiceError(isStoreUnavailable(error) ? 'store_unavailable' : 'internal', {}, { runId, cause: error });
  });

/** Stores the end of a run. A run of which the store refuses something ends as failed, without what was refused. */
async function tryStoreEnd(
  deps: AttemptEndsDeps,
  run: Run,
  journal: Journal,
  execution: Execution,
  ending: Ending,
): Promise<StoredEnd> {
  const { entries } = ending;
  const operation = execution.type === 'paused' ? 'runs.pause' : 'runs.finish';
  if (journal.refusal !== null) return storeRefusedEnd(deps, run, entries, 'journal.append', journal.refusal);
  try {
    const stored = await writeEnd(deps, run, execution, ending);
    return stored && { run: stored, execution, events: entries.events };
  } catch (error) {
    if (isStoreUnavailable(error)) throw error;
    return storeRefusedEnd(deps, run, entries, operation, error);
  }
}

async function storeRefusedEnd(
  deps: AttemptEndsDeps,
  run: Run,
  entries: JournalEntries,
  operation: string,
  refusal: unknown,
): Promise<StoredEnd> {
  const { final, error, recorded } = await prepareRefusedEnd(deps, run, entries, refusal);
  const execution: Execution = { type: 'ended', final, cause: error };
  const stored = await writeEnd(deps, run, execution, final);
  return stored && { run: stored, execution, events: [...recorded, ...final.entries.events], refused: operation };
}

/**
 * Returns the run as its end was stored, now or by an earlier write whose answer was lost; null if another process has
 * taken the run over.
 */
async function writeEnd(deps: AttemptEndsDeps, run: Run, execution: Execution, ending: Ending): Promise<Run | null> {
  const { runs } = deps.store;
  const { tenantId, id, attempt } = run;
  const { entries, sessionContext } = ending;
  const written = await withRetries(deps, run, () =>
    execution.type === 'paused'
      ? runs.pause(tenantId, id, attempt, { ...execution.paused, entries })
      : runs.finish(run, { ...execution.final, entries, sessionContext }),
  );
  if (written) return written;
  const found = await runs.get(tenantId, id);
  const isOurs = found?.attempt === attempt;
  return isOurs && (isFinal(found.status) || found.status === 'requires_action') ? found : null;
}

const lastStatus = (execution: Execution) => (execution.type === 'paused' ? 'requires_action' : execution.final.status);

const lastEvent = (execution: Execution) =>
  execution.type === 'paused'
    ? { type: 'run.requires_action', data: { required_action: execution.paused.requiredAction } }
    : { type: `run.${execution.final.status}` };
