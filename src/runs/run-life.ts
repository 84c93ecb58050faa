import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { JsonRecord, Run, Store } from '../storage/port/index.ts';
import type { EndedRun, RunLife } from './active-run.ts';
import type { EventLog } from './event-log.ts';
import type { Execution, Executor } from './executor.ts';
import { RunStopped, type StopReason, stopped } from './failures.ts';
import { noUsage } from './run-recorder.ts';
import { isFinal } from './run-state.ts';
import type { RequiredAction } from './schemas.ts';
import type { Slots } from './slots.ts';
import type { Turns } from './turns.ts';
import { toRunView } from './view.ts';

/** How often storing the end of a run is tried while the store cannot be reached, and the first pause between, in ms. */
const finishAttemptsMax = 8;
const finishPauseMs = 100;

/** What a run meets in its life. */
export type RunLifeDeps = {
  store: Store;
  executor: Executor;
  slots: Slots;
  turns: Turns;
  clock: Clock;
  log: Logger;
  processId: string;
};

type Handle = Parameters<RunLife>[0];

/** The life of a run in a process: its turn in the session, its execution within its deadline, its stored end. */
export function createRunLife({ store, executor, slots, turns, clock, log, processId }: RunLifeDeps): RunLife {
  /** Waits in line for the session; returns the run as it was started, with a slot held for it. */
  async function takeTurn({ run, signal }: Handle): Promise<Run> {
    for (;;) {
      const released = turns.next(run.tenantId, run.sessionId ?? '', signal);
      await slots.acquire(signal);
      const started = await store.runs.startQueued(run.tenantId, run.id, processId).catch((error: unknown) => {
        slots.release();
        throw error;
      });
      if (started) return started;
      slots.release();
      await released;
    }
  }

  async function history(run: Run): Promise<JsonRecord[]> {
    if (run.sessionId === null || !run.sessionSeqAtStart) return [];
    return store.sessions.history(run.tenantId, run.sessionId, run.sessionSeqAtStart);
  }

  async function execute(run: Run, { events, signal }: Handle): Promise<Execution> {
    events.append({ type: 'run.started', agent: run.agent });
    return executor.execute({ run, history: await history(run), events, signal });
  }

  /** Stores the end; a store that is away for a moment is waited for. */
  async function persist(run: Run, execution: Execution): Promise<Run | null> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return execution.type === 'paused'
          ? await store.runs.pause(run.tenantId, run.id, run.attempt, execution.paused)
          : await store.runs.finish(run.tenantId, run.id, run.attempt, execution.final);
      } catch (error) {
        if (attempt === finishAttemptsMax) throw error;
        log.warn({ runId: run.id, attempt, err: error }, 'storing the end of a run failed, trying again');
        await clock.sleep(finishPauseMs * 2 ** attempt);
      }
    }
  }

  /** The run as its end was stored: here, or before an answer of the store was lost, or by who took the run over. */
  async function settle(run: Run, execution: Execution): Promise<Run | null> {
    const written = await persist(run, execution);
    if (written) return written;
    const found = await store.runs.get(run.tenantId, run.id);
    return found && (isFinal(found.status) || found.status === 'requires_action') ? found : null;
  }

  async function end(run: Run, execution: Execution, events: EventLog): Promise<EndedRun> {
    const stored = await settle(run, execution).catch((error: unknown) => {
      events.close();
      log.error({ runId: run.id, err: error }, 'the end of a run could not be stored');
      throw new ServiceError('store_unavailable', {}, { runId: run.id, cause: error });
    });
    if (!stored) {
      events.close();
      log.error({ runId: run.id, attempt: run.attempt }, 'another process has taken this run over');
      throw new ServiceError('store_unavailable', {}, { runId: run.id });
    }
    announce(stored, events);
    logEnd(log, stored, execution);
    return { run: stored, retryAfterMs: execution.type === 'ended' ? execution.retryAfterMs : undefined };
  }

  return async (handle, { holdsSlot, deadlineMs }) => {
    const { events, signal, stop } = handle;
    const timer = new AbortController();
    clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), timer.signal).then(
      () => stop('timed_out'),
      () => {}, // the run ended in time
    );
    let run = handle.run;
    let slotHeld = holdsSlot;
    try {
      if (!holdsSlot) {
        run = await takeTurn(handle);
        slotHeld = true;
      }
      return await end(run, await execute(run, handle), events);
    } catch (error) {
      if (error instanceof ServiceError && error.extras.runId === run.id) throw error; // its end is told already
      return await end(run, endedEarly(signal, error), events);
    } finally {
      timer.abort();
      if (slotHeld) slots.release();
      if (run.sessionId !== null) turns.released(run.tenantId, run.sessionId);
    }
  };
}

/** The end of a run that never got as far as the SDK. */
function endedEarly(signal: AbortSignal, cause: unknown): Execution {
  const reason: StopReason = signal.reason instanceof RunStopped ? signal.reason.reason : 'lease_lost';
  const { status, error } = stopped(reason);
  const nothing = { lastAgent: null, model: null, response: null, output: null, costUsd: null, firstTokenMs: null };
  return { type: 'ended', cause, final: { ...nothing, status, error, usage: noUsage, newItems: [] } };
}

function announce(run: Run, events: EventLog): void {
  switch (run.status) {
    case 'requires_action':
      events.append({ type: 'run.requires_action', required_action: run.requiredAction as RequiredAction });
      break;
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'timed_out':
      events.append({ type: `run.${run.status}`, run: toRunView(run) });
      break;
    default:
      throw new Error(`A run that ended cannot be ${run.status}.`);
  }
}

/** The one line a run leaves in the log; never what was said. */
function logEnd(log: Logger, run: Run, execution: Execution): void {
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
    simulated: run.simulated || undefined,
  };
  if (execution.type === 'ended' && run.status === 'failed') log.error({ ...facts, err: execution.cause }, 'run ended');
  else log.info(facts, run.status === 'requires_action' ? 'run paused' : 'run ended');
}
