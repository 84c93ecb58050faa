import type { RunContexts } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { FinalRun, Run, RunStore } from '../../storage/port/index.ts';
import type { ActiveRun, AttemptEnd } from '../active-runs.ts';
import { toLiveEvent } from '../events/stored-events.ts';
import type { HitFailpoint } from '../failpoints.ts';
import type { RunMetrics } from '../metrics.ts';
import { isFinal } from '../run-state.ts';
import type { Execution } from './execution-outcome.ts';
import type { Journal } from './journal.ts';
import { logRunEnd } from './run-end-log.ts';

/** How often storing the end of a run is tried while the store is unavailable, and the pauses between, in ms. */
const writeAttemptsMax = 30;
const retryPauseMs = 100;
const retryPauseMaxMs = 1_000;

/** Dependencies of the end of attempts. */
export type AttemptEndsDeps = {
  store: { runs: RunStore };
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
     * Stores the end or the pause of a run.
     *
     * @throws {ServiceError} `store_unavailable`
     */
    async end({ run, log: live }: Handle, journal: Journal, execution: Execution): Promise<AttemptEnd> {
      const entries = await journal.close(lastEvent(execution));
      hitFailpoint('run.beforeEnd');
      const sessionContext = contexts.keep === 'session' ? journal.side.contexts.recorded() : undefined;
      const stored = await storeEnd(deps, run, execution, { entries, sessionContext }).catch((error: unknown) => {
        log.error({ runId: run.id, err: error }, 'the end of a run could not be stored');
        throw new ServiceError('store_unavailable', {}, { runId: run.id, cause: error });
      });
      if (!stored) {
        log.error({ runId: run.id, attempt: run.attempt }, 'another process has taken this run over');
        return { type: 'handed_back' };
      }
      hitFailpoint('run.afterEnd');
      // A run that was to pause may have been cancelled instead; the store has emitted that event itself.
      if (stored.status === lastStatus(execution))
        live.publish(entries.events.map((event) => toLiveEvent(stored, event)));
      logRunEnd(log, stored, execution, logsContent);
      if (isFinal(stored.status)) metrics.ended(stored);
      return {
        type: 'ended',
        run: stored,
        retryAfterMs: execution.type === 'ended' ? execution.retryAfterMs : undefined,
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
      const written = await withRetries(deps, run, () => store.runs.handBack(tenantId, id, attempt, entries, wakeInMs));
      hitFailpoint('run.afterHandBack');
      if (!written) log.error({ runId: id, attempt }, 'another process has taken this run over');
      else if (wakeInMs !== undefined) log.warn({ runId: id, attempt, wakeInMs }, 'run waits for a model provider');
      else log.info({ runId: id, attempt }, 'run handed back');
      return { type: 'handed_back' };
    },
  };
}

type RetryDeps = Pick<AttemptEndsDeps, 'clock' | 'log'>;

/** Retries a write until it succeeds: the store may be unavailable for a moment. */
async function withRetries<T>({ clock, log }: RetryDeps, run: Run, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (attempt === writeAttemptsMax) throw error;
      log.warn({ runId: run.id, attempt, err: error }, 'storing the end of a run failed, trying again');
      await clock.sleep(Math.min(retryPauseMaxMs, retryPauseMs * 2 ** attempt));
    }
  }
}

/**
 * Returns the run as its end was stored, now or by an earlier write whose answer was lost; null if another process has
 * taken the run over.
 */
async function storeEnd(
  deps: RetryDeps & Pick<AttemptEndsDeps, 'store'>,
  run: Run,
  execution: Execution,
  { entries, sessionContext }: Pick<FinalRun, 'entries' | 'sessionContext'>,
): Promise<Run | null> {
  const { runs } = deps.store;
  const { tenantId, id, attempt } = run;
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
