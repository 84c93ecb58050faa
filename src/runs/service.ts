import { hash } from 'node:crypto';
import type { AgentRegistry } from '../agents/index.ts';
import type { BudgetControl, LimitUse, Spender } from '../budgets/index.ts';
import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type {
  ClaimedRun,
  Page,
  Run,
  RunFilter,
  RunMode,
  Step,
  Store,
  StoredEvent,
  Webhook,
} from '../storage/port/index.ts';
import type { ActiveRuns, AttemptEnd, ExecuteAttempt } from './active-runs.ts';
import type { Admission } from './admission/admission.ts';
import type { Slots } from './admission/slots.ts';
import { type Decision, settle } from './approvals/decisions.ts';
import type { EventFeed } from './events/event-feed.ts';
import { createLiveEventLog } from './events/live-event-log.ts';
import { liveCreatedEvent, startedEvent, toLiveEvent } from './events/stored-events.ts';
import type { HitFailpoint } from './failpoints.ts';
import type { Lease } from './recovery/process-lease.ts';
import { stopped } from './run-failure.ts';
import { isFinal } from './run-state.ts';
import type { CreateRun } from './views/schemas.ts';

/** When a caller that was refused for want of a session, or by a process that ends, does well to come back. */
const retryMs = 1_000;
/** Callers that may wait in a process for runs that are in line; they hold no slot. */
const waitingMax = 1_000;
/** How long a pair of idempotency key and run is remembered. */
const keyTtlMs = 24 * 3_600_000;

/** Who asks, as the edge found out. */
export type Caller = {
  tenantId: string;
  keyId: string | null;
  requestId: string;
  idempotencyKey?: string;
  spender: Spender;
};

/** What the service stands on. */
export type RunServiceDeps = {
  store: Store;
  agents: AgentRegistry;
  life: ExecuteAttempt;
  feed: EventFeed;
  active: ActiveRuns;
  slots: Slots;
  admission: Admission;
  fault: HitFailpoint;
  clock: Clock;
  ids: Ids;
  settings: { runTimeoutMs: number; backgroundTimeoutMs: number; simulated: boolean };
  lease: Pick<Lease, 'processId' | 'isHeld'>;
  versions: { app: string; sdk: string };
  /** Says whether a run may tell a webhook, and which; throws where it may not. */
  acceptWebhook(webhook: Webhook): Webhook;
  budgets: Pick<BudgetControl, 'check'>;
};

/** A run that was taken in, and whether it was made just now or is that of an earlier request with the same key. */
export type Accepted = {
  run: Run;
  isNew: boolean;
  deadlineMs: number;
  /** Budgets of which most is used. */
  warnings: readonly LimitUse[];
};

/** When a run was asked for, whether it holds a slot, and how long it was in line for that, in ms. */
type Arrival = { receivedMs: number; startNow: boolean; waitedMs: number; warnings: readonly LimitUse[] };

/** The body, in an order of fields that does not depend on the caller (the fingerprint of an idempotency key). */
function fingerprintOf(value: unknown): string {
  const canonical = (entry: unknown): unknown => {
    if (Array.isArray(entry)) return entry.map(canonical);
    if (typeof entry !== 'object' || entry === null) return entry;
    return Object.fromEntries(
      Object.entries(entry)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, inner]) => [key, canonical(inner)]),
    );
  };
  return hash('sha256', JSON.stringify(canonical(value)), 'base64url');
}

/** Takes runs in, keeps track of those of this process, and reads them back. */
export function createRunService(deps: RunServiceDeps) {
  const {
    store,
    agents,
    life,
    feed,
    active,
    slots,
    admission,
    fault,
    clock,
    ids,
    settings,
    lease,
    versions,
    acceptWebhook,
    budgets,
  } = deps;
  let closed = false;
  let waiting = 0;
  const leaving = new AbortController();

  function agentFor(name: string | undefined): string {
    const agent = name ?? agents.entry;
    if (agents.get(agent)) return agent;
    const message = `must be one of ${agents.names().join(', ')}`;
    const errors = [{ path: 'agent', message }];
    throw new ServiceError('validation_failed', { reason: `agent ${message}.` }, { errors });
  }

  /** The holder would be ended now, for a run that is to begin later. */
  function checkInterrupt({ if_busy, run_at }: CreateRun): void {
    if (if_busy !== 'interrupt' || run_at === undefined || Date.parse(run_at) <= clock.nowMs()) return;
    const message = 'must not be in the future if if_busy is interrupt';
    throw new ServiceError(
      'validation_failed',
      { reason: `run_at ${message}.` },
      { errors: [{ path: 'run_at', message }] },
    );
  }

  function timeoutMsOf({ timeout_s }: CreateRun, mode: RunMode): number {
    if (timeout_s !== undefined) return Math.round(timeout_s * 1000);
    return mode === 'background' ? settings.backgroundTimeoutMs : settings.runTimeoutMs;
  }

  type Begun = (run: Run) => void;

  function insert(request: CreateRun, caller: Caller, mode: RunMode, { startNow, waitedMs }: Arrival, begun: Begun) {
    const { idempotencyKey: key } = caller;
    const agent = agentFor(request.agent);
    return store.runs.create(
      {
        id: ids('run'),
        tenantId: caller.tenantId,
        requestId: caller.requestId,
        sessionId: request.session_id ?? null,
        agent,
        message: request.message,
        metadata: (request.metadata ?? {}) as Run['metadata'],
        timeoutMs: timeoutMsOf(request, mode),
        priority: request.priority ?? 0,
        runAtMs: request.run_at === undefined ? null : Date.parse(request.run_at),
        simulated: settings.simulated,
        ownerId: lease.processId(),
        appVersion: versions.app,
        sdkVersion: versions.sdk,
        budgetKeyId: caller.spender.key?.id ?? null,
        idempotency: key === undefined ? null : { key, fingerprint: fingerprintOf(request), ttlMs: keyTtlMs },
        webhook: request.webhook && acceptWebhook(request.webhook),
        started: { agent },
        mode,
        waitedMs,
      },
      request.if_busy,
      startNow && lease.isHeld(), // what others may take over at once had better wait in line
      begun,
    );
  }

  /** Carries out a run for which a slot is held; the slot is given back at its end. */
  function execute(run: Run, deadlineMs: number, told: StoredEvent[], stored: Promise<unknown>): void {
    const log = createLiveEventLog();
    const sinceMs = clock.monotonicMs();
    const release = () => {
      if (run.mode !== 'background') admission.served(clock.monotonicMs() - sinceMs);
      slots.release();
    };
    if (run.attempt === 1) log.publish([liveCreatedEvent(run), ...told.map((event) => toLiveEvent(run, event))]);
    active.add(run, log, (handle) => life(handle, deadlineMs, told, stored).finally(release));
  }

  const endsHere = () => new ServiceError('shutting_down', {}, { retryAfterMs: retryMs });

  /**
   * Stores a run, and carries it out if it holds a slot and its session is free. That begins while the store still makes
   * sure of the run: there is enough to do before a model is asked.
   */
  async function begin(request: CreateRun, caller: Caller, mode: RunMode, arrival: Arrival): Promise<Accepted> {
    let started = false;
    try {
      if (closed) throw endsHere(); // it was in line until just now
      const deadlineOf = ({ timeoutMs }: Run) => arrival.receivedMs + timeoutMs;
      const inserted = insert(request, caller, mode, arrival, (run) => {
        started = true;
        execute(run, deadlineOf(run), [startedEvent(run)], inserted);
      });
      const outcome = await inserted;
      if (outcome.type === 'key_reused') throw new ServiceError('idempotency_key_reused', {});
      if (outcome.type === 'busy') {
        const names = { sessionId: request.session_id ?? '', runId: outcome.activeRunId };
        throw new ServiceError('session_busy', names, { activeRunId: outcome.activeRunId, retryAfterMs: retryMs });
      }
      const { run, type } = outcome;
      return { run, isNew: type !== 'existing', deadlineMs: deadlineOf(run), warnings: arrival.warnings };
    } finally {
      if (arrival.startNow && !started) slots.release();
    }
  }

  /** Whoever asks again for a run that there is gets it, whatever is left of a budget. */
  async function unlessKnown(checked: Promise<LimitUse[]>, { tenantId, idempotencyKey }: Caller): Promise<LimitUse[]> {
    try {
      return await checked;
    } catch (error) {
      if (idempotencyKey !== undefined && (await store.runs.isKeyUsed(tenantId, idempotencyKey))) return [];
      throw error;
    }
  }

  async function create(request: CreateRun, caller: Caller, mode: RunMode, gone?: AbortSignal): Promise<Accepted> {
    if (closed) throw endsHere();
    checkInterrupt(request);
    agentFor(request.agent); // a mistake is told before any wait
    const checked = budgets.check(caller.spender);
    const warnings = checked === null ? [] : await unlessKnown(checked, caller);
    const receivedMs = clock.monotonicMs();
    if (mode === 'background') {
      return active.expect(() => begin(request, caller, mode, { receivedMs, startNow: false, waitedMs: 0, warnings }));
    }
    const { tenantId } = caller;
    if (waiting >= waitingMax) throw admission.refusal(tenantId, 'callers_waiting');
    const turn = admission.enter({ tenantId, deadlineMs: receivedMs + timeoutMsOf(request, mode), gone });
    if (turn !== null) await turn; // not awaited for nothing: a run that is let in at once is known to be coming at once
    const waitedMs = turn === null ? 0 : Math.round(clock.monotonicMs() - receivedMs);
    return active.expect(() => begin(request, caller, mode, { receivedMs, startNow: true, waitedMs, warnings }));
  }

  const goesOnElsewhere = ({ id }: Run) => new ServiceError('shutting_down', {}, { runId: id, retryAfterMs: retryMs });

  async function get(tenantId: string, runId: string): Promise<Run> {
    const run = await store.runs.get(tenantId, runId);
    if (!run) throw new ServiceError('not_found', { what: `Run ${runId}` });
    return run;
  }

  return {
    /**
     * Creates a run and sets it going, or has it queued. If all slots are taken, a run that is answered waits for one
     * first, in memory, unless `gone` aborts. Once this resolves the run is stored, and goes on whatever becomes of the
     * caller or of this process.
     *
     * @throws {ServiceError} `too_many_runs`, `budget_exceeded`, `session_busy`, `validation_failed`, `idempotency_key_reused`,
     *   `webhooks_not_configured`, `shutting_down`, `cancelled`
     */
    create,

    /** Carries out a run that this process has claimed; a slot is held for it. */
    resume({ run, remainingMs }: ClaimedRun): void {
      execute(run, clock.monotonicMs() + remainingMs, [], Promise.resolve());
    },

    /**
     * Waits for the end of an accepted run, wherever it is executed, and wherever it goes on if this process has to give
     * it up. One that is still in line when its time is over ends as `timed_out`.
     *
     * @throws {ServiceError} with the run's id: `shutting_down` when this process ends before the run does,
     *   `store_unavailable` when nobody can know
     */
    async ended({ run, deadlineMs }: Accepted): Promise<Extract<AttemptEnd, { type: 'ended' }>> {
      const here = active.get(run.id);
      if (here) {
        const end = await here.ended;
        if (end.type === 'ended') return end;
        if (closed) throw goesOnElsewhere(run);
      }
      const overtime = new AbortController();
      const late = clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), overtime.signal).then(async () => {
        const { status, error } = stopped('timed_out');
        const nothing = {
          lastAgent: null,
          model: null,
          response: null,
          output: null,
          costUsd: null,
          firstTokenMs: null,
        };
        const { usage } = run;
        const entries = {
          steps: [],
          events: [{ seq: 2, type: 'run.timed_out', attempt: 0, atMs: clock.nowMs(), data: {} }],
        };
        const final = { ...nothing, status, error, usage, drift: false, newItems: [], entries };
        await store.runs.finish({ ...run, attempt: 0 }, final);
      });
      late.catch(() => {}); // it was not late
      waiting += 1;
      try {
        return { type: 'ended', run: await active.attend(() => feed.ended(run, leaving.signal)) };
      } catch (cause) {
        if (leaving.signal.aborted) throw goesOnElsewhere(run);
        if (!(cause instanceof ServiceError)) throw cause;
        throw new ServiceError('store_unavailable', {}, { runId: run.id, retryAfterMs: retryMs, cause });
      } finally {
        waiting -= 1;
        overtime.abort();
      }
    },

    get,

    /** Newest first. */
    list: (tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>> =>
      store.runs.list(tenantId, filter, limit, before),

    /** The journal of a run. @throws {ServiceError} `not_found` */
    async steps(tenantId: string, runId: string): Promise<Step[]> {
      await get(tenantId, runId);
      return store.journal.steps(tenantId, runId);
    },

    /**
     * Asks for the end of a run, wherever it is executed. Asking again changes nothing.
     *
     * @throws {ServiceError} `not_found`
     */
    async cancel(tenantId: string, runId: string): Promise<Run> {
      const run = await store.runs.requestCancel(tenantId, runId, stopped('cancelled').error);
      if (!run) throw new ServiceError('not_found', { what: `Run ${runId}` });
      active.get(runId)?.stop('cancelled');
      return run;
    },

    /**
     * Records what a person decided, and sets the run going again once nothing is left to be decided.
     *
     * @throws {ServiceError} `not_found`, `not_waiting`, `validation_failed`
     */
    async decide(tenantId: string, runId: string, decisions: readonly Decision[], by: string): Promise<Run> {
      const run = await get(tenantId, runId);
      const steps = await store.journal.steps(tenantId, runId);
      const settlement = settle(run, steps, decisions, by, clock.nowMs());
      fault('decision.beforeWrite');
      const settled = await store.runs.settle(tenantId, runId, settlement);
      fault('decision.afterWrite');
      if (!settled) throw new ServiceError('not_waiting', { runId }, { runId });
      return settled;
    },

    /** Whether a run has ended for good. */
    isFinal: (run: Run): boolean => isFinal(run.status),

    /** New runs are refused from now on, those in line for a slot too: nothing of them is stored. */
    close(): void {
      closed = true;
      admission.sendAway(endsHere);
    },

    /** Those who wait for runs of other processes are told that this one ends, and where to go on. */
    stopWaiting: (): void => leaving.abort(),
  };
}

/** Takes runs in and reads them back. */
export type RunService = ReturnType<typeof createRunService>;
