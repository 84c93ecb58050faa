import type { BudgetControl, LimitUse } from '../budgets/index.ts';
import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import type { CreateOutcome, Run, RunMode, Store } from '../storage/port/index.ts';
import type { ActiveRuns } from './active-runs.ts';
import type { Admission } from './admission/admission.ts';
import type { Slots } from './admission/slots.ts';
import type { StartAttempt } from './attempt-starter.ts';
import { startedEvent } from './events/stored-events.ts';
import type { InputRules } from './input/input-rules.ts';
import { type NewRunDeps, toNewRun } from './new-run.ts';
import { unlessOverdue } from './overdue.ts';
import type { Lease } from './recovery/process-lease.ts';
import { type Caller, type CreateRun, checkRequest, timeoutMsOf } from './run-request.ts';

/** Callers per process that may wait for the end of queued runs; they hold no slot. */
const waitingMax = 1_000;

/** Dependencies of the creation of runs. */
export type RunCreationDeps = NewRunDeps & {
  store: Pick<Store, 'runs'>;
  active: Pick<ActiveRuns, 'expect'>;
  slots: Pick<Slots, 'release'>;
  admission: Pick<Admission, 'enter' | 'refusal'>;
  startAttempt: StartAttempt;
  /** How many callers wait for the end of runs that this process does not execute. */
  waiting(): number;
  /** Whether the process stops and refuses new runs. */
  isClosed(): boolean;
  clock: Clock;
  lease: Pick<Lease, 'processId' | 'isHeld'>;
  budgets: Pick<BudgetControl, 'check'>;
  inputRules: InputRules;
};

/** A run that was accepted: a new one, or the one of an earlier request with the same idempotency key. */
export type Accepted = {
  run: Run;
  /** When the time of the run is over, on the monotonic clock. */
  deadlineMs: number;
  /** Budgets that are nearly used up. */
  warnings: readonly LimitUse[];
};

/** When the request was received, whether it holds a slot, and how long it waited for the slot, in ms. */
type Arrival = { receivedMs: number; startNow: boolean; waitedMs: number; warnings: readonly LimitUse[] };

/** The error of a request that a stopping process refuses. */
export const shuttingDown = (): ServiceError =>
  new ServiceError('shutting_down', {}, { retryAfterMs: retryAfterRules.shuttingDownMs });

/**
 * The outcome of a creation that the store did not refuse.
 *
 * @throws {ServiceError} `idempotency_key_reused`, `session_busy`
 */
function acceptedOutcome(outcome: CreateOutcome, { session_id }: CreateRun): Extract<CreateOutcome, { run: Run }> {
  if (outcome.type === 'key_reused') throw new ServiceError('idempotency_key_reused', {});
  if (outcome.type !== 'busy') return outcome;
  const { activeRunId } = outcome;
  const names = { sessionId: session_id ?? '', runId: activeRunId };
  throw new ServiceError('session_busy', names, { activeRunId, retryAfterMs: retryAfterRules.sessionBusyMs });
}

/** A repeated request gets the run of its idempotency key even if its budget is used up since. Null for no check. */
function unlessRepeated(
  store: RunCreationDeps['store'],
  checked: Promise<LimitUse[]> | null,
  { tenantId, idempotencyKey }: Caller,
): Promise<LimitUse[]> | null {
  if (checked === null || idempotencyKey === undefined) return checked;
  return checked.catch(async (error: unknown) => {
    if (await store.runs.isKeyUsed(tenantId, idempotencyKey)) return [];
    throw error;
  });
}

/** The caller of a run in the background does not wait for its end, and so not until its deadline either. */
const untilOverdue = <T>(clock: Clock, stored: Promise<T>, deadlineMs: number, mode: RunMode): Promise<T> =>
  mode === 'background' ? stored : unlessOverdue(clock, deadlineMs, stored);

/** Creates runs: checks the request, waits for a slot, stores the run and starts it. */
export function createRunCreation(deps: RunCreationDeps) {
  const { store, active, slots, admission, startAttempt, isClosed, clock, settings, lease, budgets } = deps;

  /**
   * Stores a run, and starts it if it holds a slot and its session is free. The attempt starts while the store
   * still makes the run durable: the model is asked meanwhile, but nothing of its answer is used before (`untilStored`
   * in `attempt-context.ts`).
   */
  async function begin(request: CreateRun, caller: Caller, mode: RunMode, arrival: Arrival): Promise<Accepted> {
    let [started, isOver] = [false, false];
    try {
      if (isClosed()) throw shuttingDown(); // the process began to stop while the request waited for its slot
      const deadlineOf = ({ timeoutMs }: Pick<Run, 'timeoutMs'>) => arrival.receivedMs + timeoutMs;
      const newRun = toNewRun(deps, request, caller, mode, arrival.waitedMs);
      // Without the lease, other processes could take the run over at once: it is better queued.
      const startNow = arrival.startNow && lease.isHeld();
      const stored = store.runs.create(newRun, request.if_busy, startNow, (run) => {
        if (isOver) return; // nobody waits any more, and the slot is released: the run is handed back and claimed
        started = true;
        startAttempt(run, deadlineOf(run), [startedEvent(run)], stored);
      });
      const { run } = acceptedOutcome(await untilOverdue(clock, stored, deadlineOf(newRun), mode), request);
      return { run, deadlineMs: deadlineOf(run), warnings: arrival.warnings };
    } finally {
      isOver = true;
      if (arrival.startNow && !started) slots.release();
      caller.arrivalDecided?.();
    }
  }

  /**
   * Creates a run and starts or queues it. If all slots are taken, a blocking or streamed run first waits for a slot, in
   * memory, unless `disconnected` aborts. Once this resolves the run is stored, and continues even if the client
   * disconnects or this process ends.
   *
   * @throws {ServiceError} `too_many_runs`, `budget_exceeded`, `session_busy`, `validation_failed`, `idempotency_key_reused`,
   *   `webhooks_not_configured`, `shutting_down`, `cancelled`, `store_unavailable`
   */
  return async (request: CreateRun, caller: Caller, mode: RunMode, disconnected?: AbortSignal): Promise<Accepted> => {
    if (isClosed()) throw shuttingDown();
    checkRequest(request, deps, clock.nowMs()); // a mistake is reported before any wait
    const receivedMs = clock.monotonicMs() - (caller.accessMs ?? 0);
    const deadlineMs = receivedMs + timeoutMsOf(request, mode, settings);
    const checked = unlessRepeated(store, budgets.check(caller.spender), caller);
    const warnings = checked === null ? [] : await untilOverdue(clock, checked, deadlineMs, mode);
    if (mode === 'background') {
      return active.expect(() => begin(request, caller, mode, { receivedMs, startNow: false, waitedMs: 0, warnings }));
    }
    const { tenantId } = caller;
    if (deps.waiting() >= waitingMax) throw admission.refusal(tenantId, 'callers_waiting');
    const slot = admission.enter({ tenantId, deadlineMs, disconnected });
    if (slot !== null) {
      caller.arrivalDecided?.();
      await slot; // no await without a wait: `active` knows of an admitted run in the same tick
    }
    const waitedMs = slot === null ? 0 : Math.round(clock.monotonicMs() - receivedMs);
    return active.expect(() => begin(request, caller, mode, { receivedMs, startNow: true, waitedMs, warnings }));
  };
}
