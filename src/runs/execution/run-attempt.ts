import { type BudgetControl, toNanoUsd } from '../../access/index.ts';
import type { Effect } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { JournalEntries, Run, Step, Store, StoredEvent } from '../../storage/port/index.ts';
import type { ActiveRun, AttemptEnd, ExecuteAttempt } from '../active-runs.ts';
import { readHistory } from '../conversation/session-history.ts';
import { toLiveEvent } from '../events/stored-events.ts';
import type { HitFailpoint } from '../failpoints.ts';
import type { RunMetrics } from '../metrics.ts';
import type { Lease } from '../recovery/process-lease.ts';
import { RunStopped } from '../run-failure.ts';
import { isFinal } from '../run-state.ts';
import { createAttemptContext } from './attempt-context.ts';
import type { Execution, Executor } from './executor.ts';
import { createJournal, type Journal } from './journal.ts';
import { createOutageWait } from './outage-wait.ts';
import { createFlushTimer } from './text-coalescer.ts';

/** How often storing the end of a run is tried while the store cannot be reached, and the pauses between, in ms. */
const finishAttemptsMax = 30;
const finishPauseMs = 100;
const finishPauseMaxMs = 1_000;
/** Events read from the store at once. */
const pageSize = 200;

/** What a run meets in its life. */
export type AttemptExecutorDeps = {
  store: Store;
  executor: Executor;
  lease: Pick<Lease, 'isHeld'>;
  effectDefault: Effect;
  /** Items of a session that a model is shown at most; null for all of them. */
  historyItemsMax: number | null;
  budgets: Pick<BudgetControl, 'forRun'>;
  /** Whether the log has what was said. */
  logsContent: boolean;
  metrics: RunMetrics;
  fault: HitFailpoint;
  clock: Clock;
  log: Logger;
};

type Handle = Omit<ActiveRun, 'ended'>;
type Recorded = { steps: Step[]; events: StoredEvent[] };

/** The life of one attempt at a run: its execution within its time, over its journal, and its stored end. */
export function createAttemptExecutor({
  store,
  executor,
  lease,
  effectDefault,
  historyItemsMax,
  budgets,
  logsContent,
  metrics,
  fault,
  clock,
  log,
}: AttemptExecutorDeps): ExecuteAttempt {
  const beat = createFlushTimer(clock);

  /** What earlier attempts recorded. */
  async function recordedBefore({ tenantId, id }: Run): Promise<Recorded> {
    const steps = await store.journal.steps(tenantId, id);
    const events: StoredEvent[] = [];
    for (let page = events; ; ) {
      page = await store.journal.events(tenantId, id, events.at(-1)?.seq ?? 1, pageSize);
      events.push(...page);
      if (page.length < pageSize) return { steps, events };
    }
  }

  function openJournal({ run, log: live, signal, stop }: Handle, recorded: Recorded): Journal {
    const journal = createJournal({
      attempt: run.attempt,
      signal,
      recorded,
      append: async (entries, early) => {
        fault('journal.beforeAppend');
        const accepted = await store.journal.append(run.tenantId, run.id, run.attempt, entries, early);
        fault('journal.afterAppend');
        return accepted;
      },
      publish: (events) => live.publish(events.map((event) => toLiveEvent(run, event))),
      lost: () => stop('lease_lost'),
      flushed: metrics.flushed,
      modelCalled: metrics.modelCalled,
      clock,
    });
    if (recorded.events.length === 0) journal.emit({ type: 'run.started', agent: run.agent });
    else if (run.attempt > 1) {
      journal.emit({ type: 'run.resumed', after: resumedAfter(run, recorded) });
      for (const step of brokenOff(recorded)) journal.emit({ type: 'text.reset', step, reason: 'recovery' });
    }
    return journal;
  }

  /** Tries a write until it works; a store that is away for a moment is waited for. */
  async function patiently<T>(run: Run, write: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await write();
      } catch (error) {
        if (attempt === finishAttemptsMax) throw error;
        log.warn({ runId: run.id, attempt, err: error }, 'storing the end of a run failed, trying again');
        await clock.sleep(Math.min(finishPauseMaxMs, finishPauseMs * 2 ** attempt));
      }
    }
  }

  /** The run as its end was stored, now or before an answer of the store was lost; null if another took it over. */
  async function settle(run: Run, execution: Execution, entries: JournalEntries): Promise<Run | null> {
    const { tenantId, id, attempt } = run;
    const written = await patiently(run, () =>
      execution.type === 'paused'
        ? store.runs.pause(tenantId, id, attempt, { ...execution.paused, entries })
        : store.runs.finish(run, { ...execution.final, entries }),
    );
    if (written) return written;
    const found = await store.runs.get(tenantId, id);
    const isOurs = found?.attempt === attempt;
    return isOurs && (isFinal(found.status) || found.status === 'requires_action') ? found : null;
  }

  async function end({ run, log: live }: Handle, journal: Journal, execution: Execution): Promise<AttemptEnd> {
    const entries = await journal.close(lastEvent(execution));
    fault('run.beforeEnd');
    const stored = await settle(run, execution, entries).catch((error: unknown) => {
      log.error({ runId: run.id, err: error }, 'the end of a run could not be stored');
      throw new ServiceError('store_unavailable', {}, { runId: run.id, cause: error });
    });
    if (!stored) {
      log.error({ runId: run.id, attempt: run.attempt }, 'another process has taken this run over');
      return { type: 'handed_back' };
    }
    fault('run.afterEnd');
    // A run that was to pause may have been cancelled instead; the store has told that itself.
    if (stored.status === lastStatus(execution))
      live.publish(entries.events.map((event) => toLiveEvent(stored, event)));
    logEnd(log, stored, execution, logsContent);
    if (isFinal(stored.status)) metrics.ended(stored);
    return {
      type: 'ended',
      run: stored,
      retryAfterMs: execution.type === 'ended' ? execution.retryAfterMs : undefined,
    };
  }

  /** @param wakeInMs when it is to go on, in ms from now; its time goes on meanwhile. Defaults to at once */
  async function handBack({ run }: Handle, journal: Journal, wakeInMs?: number): Promise<AttemptEnd> {
    const entries = await journal.close(null);
    const { tenantId, id, attempt } = run;
    fault('run.beforeHandBack');
    const written = await patiently(run, () => store.runs.handBack(tenantId, id, attempt, entries, wakeInMs));
    fault('run.afterHandBack');
    if (written && wakeInMs !== undefined) log.warn({ runId: id, attempt, wakeInMs }, 'run waits for a model provider');
    else if (written) log.info({ runId: id, attempt }, 'run handed back');
    else log.error({ runId: id, attempt }, 'another process has taken this run over');
    return { type: 'handed_back' };
  }

  return async (handle, deadlineMs, told, stored) => {
    const { run, signal, stop } = handle;
    const timer = new AbortController();
    clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), timer.signal).then(
      () => stop('timed_out'),
      () => {}, // the run ended in time
    );
    metrics.started(run);
    fault('run.claimed');
    try {
      // A run that starts for the first time has at most what was told with its creation.
      const recorded = run.attempt <= 1 ? { steps: [], events: [...told] } : await recordedBefore(run);
      const journal = openJournal(handle, recorded);
      const assertHeld = () => {
        if (lease.isHeld()) return;
        stop('lease_lost'); // the run is not to fail, but to go on elsewhere
        throw new RunStopped('lease_lost');
      };
      const outage = createOutageWait(run, recorded);
      const giveBack = () => {
        if (handle.isLeaving()) stop('shutting_down');
        else if (outage.waitMs() !== null) stop('providers_down');
        return signal.aborted;
      };
      const budget = budgets.forRun(run, {
        spentBefore: { tokens: journal.usage().totalTokens, nanoUsd: toNanoUsd(journal.knownCostUsd()) },
        signal,
        warn: ({ scope, unit, period, used, limit }) =>
          journal.emitOnce({ type: 'budget.warning', scope, unit, period, used, limit }, `${scope} ${unit} ${period}`),
      });
      const activity = createAttemptContext({
        run,
        budget,
        stored,
        journal,
        clock,
        signal,
        effectDefault,
        fault,
        assertHeld,
        giveBack,
        deadlineMs,
        waitForProviders: outage.met,
        beat,
      });
      const history = await readHistory(store.sessions, run, historyItemsMax);
      const execution = await executor.execute(activity, history);
      const reason = signal.reason instanceof RunStopped ? signal.reason.reason : null;
      if (reason === 'lease_lost') {
        log.error({ runId: run.id, attempt: run.attempt }, 'this process lost the run');
        // Should it still be ours in the store, nobody else would take it; if it is not, this writes nothing.
        return await handBack(handle, journal).catch(() => ({ type: 'handed_back' as const }));
      }
      if (reason === 'shutting_down') return await handBack(handle, journal);
      if (reason === 'providers_down')
        return await handBack(handle, journal, Math.min(outage.waitMs() ?? 0, deadlineMs - clock.monotonicMs()));
      return await end(handle, journal, execution);
    } finally {
      timer.abort('the run has ended'); // without a reason an error with its stack is made
    }
  };
}

const lastStatus = (execution: Execution) => (execution.type === 'paused' ? 'requires_action' : execution.final.status);

const lastEvent = (execution: Execution) =>
  execution.type === 'paused'
    ? { type: 'run.requires_action', data: { required_action: execution.paused.requiredAction } }
    : { type: `run.${execution.final.status}` };

/** Why a run is executed again. */
function resumedAfter(run: Run, { events }: Recorded): 'recovery' | 'decision' | 'handback' {
  if (events.at(-1)?.type === 'run.requires_action') return 'decision';
  const crashesTold = events.filter(({ type, data }) => type === 'run.resumed' && data.after === 'recovery').length;
  return run.crashes > crashesTold ? 'recovery' : 'handback';
}

/** Steps whose text was shown in part: their model call was not recorded, and is made again. */
function brokenOff({ steps, events }: Recorded): number[] {
  const whole = new Set(steps.filter(({ status }) => status === 'completed').map(({ step }) => step));
  const shown = new Set<number>();
  for (const { type, data } of events) {
    if (type === 'text.delta') shown.add(data.step as number);
    if (type === 'text.reset') shown.delete(data.step as number);
  }
  return [...shown].filter((step) => !whole.has(step));
}

/** Characters of what was said that are logged at most. */
const contentCharsMax = 2_000;
const cut = (text: string | null) =>
  text !== null && text.length > contentCharsMax ? `${text.slice(0, contentCharsMax)}…` : text;

/** The one line a run leaves in the log; what was said only where that is asked for. */
function logEnd(log: Logger, run: Run, execution: Execution, withContent: boolean): void {
  const facts = {
    runId: run.id,
    sessionId: run.sessionId,
    requestId: run.requestId,
    agent: run.agent,
    lastAgent: run.lastAgent,
    status: run.status,
    code: run.error?.code,
    tokens: run.usage.totalTokens,
    durationMs: (run.finishedAtMs ?? run.startedAtMs ?? run.createdAtMs) - run.createdAtMs,
    attempt: run.attempt,
    simulated: run.simulated || undefined,
    ...(withContent ? { message: cut(run.message), response: cut(run.response) } : {}),
  };
  if (execution.type === 'ended' && run.status === 'failed') log.error({ ...facts, err: execution.cause }, 'run ended');
  else log.info(facts, run.status === 'requires_action' ? 'run paused' : 'run ended');
}
