import type { Effect } from '../../agents/index.ts';
import type { BudgetControl, RunBudget } from '../../budgets/index.ts';
import type { Clock } from '../../platform/clock.ts';
import { toNanoUsd } from '../../platform/money.ts';
import { giveWay } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { attachData, hasDetachedData, type JournalEntries, type Run, type Store } from '../../storage/port/index.ts';
import type { ActiveRun, ExecuteAttempt } from '../active-runs.ts';
import type { GoneAgentWatch } from '../conversation/gone-agent.ts';
import { readHistory } from '../conversation/session-history.ts';
import { toLiveEvent } from '../events/stored-events.ts';
import type { RunMetrics } from '../metrics.ts';
import type { Lease } from '../recovery/process-lease.ts';
import { RunStopped, type StopReason } from '../run-failure.ts';
import { withdrawnCall } from './answer-events.ts';
import { createAttemptContext } from './attempt-context.ts';
import { type AttemptEndsDeps, createAttemptEnds } from './attempt-end.ts';
import type { Executor } from './executor.ts';
import { createJournal, type Journal } from './journal.ts';
import { createOutageWait, type OutageWait } from './outage-wait.ts';
import {
  openHostedCalls,
  partialAgentTexts,
  readRecorded,
  resumedAfter,
  stepsWithPartialText,
} from './recorded-entries.ts';
import { createFlushTimer } from './text-coalescer.ts';

/** Dependencies of the execution of attempts. */
export type AttemptExecutorDeps = AttemptEndsDeps & {
  store: Store;
  executor: Executor;
  lease: Pick<Lease, 'isHeld'>;
  /** The effect of tools that declare none. */
  effectDefault: Effect;
  /** The largest result of a tool that is recorded, in bytes of JSON. */
  toolOutputBytesMax: number;
  /** The most items of a session that a model receives; null for all of them. */
  historyItemsMax: number | null;
  budgets: Pick<BudgetControl, 'forRun'>;
  /** Looks at runs that begin. Defaults to no look. */
  watchGoneAgent?: GoneAgentWatch;
  metrics: RunMetrics;
};

type Handle = Omit<ActiveRun, 'ended'>;

/** Makes the function that carries out one attempt at a run: it executes the run within its time and stores its end. */
export function createAttemptExecutor(deps: AttemptExecutorDeps): ExecuteAttempt {
  const { store, executor, lease, effectDefault, toolOutputBytesMax, historyItemsMax, budgets } = deps;
  const { metrics, hitFailpoint, clock, log } = deps;
  const flushTimer = createFlushTimer(clock);
  const ends = createAttemptEnds(deps);

  return async (handle, deadlineMs, createdEvents, stored) => {
    const { run, signal, stop } = handle;
    const timeout = startTimeout(clock, deadlineMs, stop);
    metrics.started(run);
    hitFailpoint('run.claimed');
    try {
      // A run that starts for the first time has at most the events of its creation.
      const isFirst = run.attempt <= 1;
      const recorded = isFirst ? { steps: [], events: [...createdEvents] } : await readRecorded(store.journal, run);
      const executed = await withInputData(store, run, stored);
      const journal = openJournal(deps, handle, recorded);
      const outage = createOutageWait(run, recorded);
      const attempt = createAttemptContext({
        run: executed,
        journal,
        stored,
        clock,
        signal,
        effectDefault,
        toolOutputBytesMax,
        hitFailpoint,
        assertHeld: () => assertHeld(lease, stop),
        handBackIfDue: () => handBackIfDue(handle, outage),
        isHandBackDue: () => handle.isHandBackRequested() || outage.waitMs() !== null,
        deadlineMs,
        waitForProviders: outage.callFailed,
        budget: openBudget(budgets, run, journal, signal),
        flushTimer,
      });
      const history = await readHistory(store.sessions, run, historyItemsMax);
      if (isHeavy(history)) await giveWay();
      const watching = deps.watchGoneAgent?.(run);
      if (watching) await watching;
      const execution = await executor.execute(attempt, history);
      switch (signal.reason instanceof RunStopped ? signal.reason.reason : null) {
        case 'lease_lost':
          log.error({ runId: run.id, attempt: run.attempt }, 'this process lost the run');
          // If the store still has this process as the owner, no other process takes the run; if not, this writes nothing.
          return await ends.handBack(handle, journal).catch(() => ({ type: 'handed_back' as const }));
        case 'shutting_down':
          return await ends.handBack(handle, journal);
        case 'providers_down':
          return await ends.handBack(handle, journal, Math.min(outage.waitMs() ?? 0, deadlineMs - clock.monotonicMs()));
        default:
          return await ends.end(handle, journal, execution);
      }
    } finally {
      timeout.abort('the run has ended'); // without a reason an error with its stack is made
    }
  };
}

/** The run with the large data of its input, which is stored beside it. */
async function withInputData(store: Store, run: Run, stored: Promise<unknown>): Promise<Run> {
  if (!hasDetachedData(run.input)) return run;
  await stored; // only then is it there
  return { ...run, input: attachData(run.input, await store.runs.inputData(run.tenantId, run.id)) };
}

/** Stops the run at its deadline, unless the returned timeout is aborted before. */
function startTimeout(clock: Clock, deadlineMs: number, stop: (reason: StopReason) => void): AbortController {
  const timeout = new AbortController();
  clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), timeout.signal).then(
    () => stop('timed_out'),
    () => {}, // the run ended in time
  );
  return timeout;
}

function openJournal(deps: AttemptExecutorDeps, handle: Handle, recorded: JournalEntries): Journal {
  const { store, metrics, hitFailpoint, clock } = deps;
  const { run, log: live, signal, stop } = handle;
  const journal: Journal = createJournal({
    attempt: run.attempt,
    signal,
    recorded,
    append: async (entries, early) => {
      hitFailpoint('journal.beforeAppend');
      const accepted = await store.journal.append(run.tenantId, run.id, run.attempt, entries, early);
      hitFailpoint('journal.afterAppend');
      return accepted;
    },
    publish: (events) => live.publish(events.map((event) => toLiveEvent(run, event))),
    lost: () => stop(journal.refusal === null ? 'lease_lost' : 'not_storable'),
    flushed: metrics.flushed,
    stepEnded: metrics.stepEnded,
    clock,
  });
  if (recorded.events.length === 0) journal.emit({ type: 'run.started', agent: run.agent });
  else if (run.attempt > 1) {
    journal.emit({ type: 'run.resumed', after: resumedAfter(run, recorded) });
    withdrawUnrecorded(journal, recorded, clock);
  }
  return journal;
}

/** Withdraws what was shown of model calls that were not recorded: they are repeated. */
function withdrawUnrecorded(journal: Journal, recorded: JournalEntries, clock: Clock): void {
  for (const step of stepsWithPartialText(recorded)) journal.emit({ type: 'text.reset', step, reason: 'recovery' });
  for (const { step, scope, agent } of partialAgentTexts(recorded)) {
    journal.emit({ type: 'agent.text.reset', step, scope, agent, reason: 'recovery' });
  }
  for (const call of openHostedCalls(recorded)) journal.emit(withdrawnCall(call, clock.nowMs()));
}

const openBudget = (
  budgets: Pick<BudgetControl, 'forRun'>,
  run: Run,
  journal: Journal,
  signal: AbortSignal,
): RunBudget =>
  budgets.forRun(run, {
    spentBefore: { tokens: journal.usage().totalTokens, nanoUsd: toNanoUsd(journal.knownCostUsd()) },
    signal,
    warn: ({ scope, unit, period, used, limit }) =>
      journal.emitOnce({ type: 'budget.warning', scope, unit, period, used, limit }, `${scope} ${unit} ${period}`),
  });

/** Stops the run if this process no longer holds its lease: the run is not to fail, but to go on elsewhere. */
function assertHeld(lease: Pick<Lease, 'isHeld'>, stop: (reason: StopReason) => void): void {
  if (lease.isHeld()) return;
  stop('lease_lost');
  throw new RunStopped('lease_lost');
}

/** Stops the run if it is to be handed back: on request, or to wait for a provider. Returns whether it is stopped. */
function handBackIfDue({ isHandBackRequested, signal, stop }: Handle, outage: OutageWait): boolean {
  if (isHandBackRequested()) stop('shutting_down');
  else if (outage.waitMs() !== null) stop('providers_down');
  return signal.aborted;
}
