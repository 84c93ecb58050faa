import type { AgentRegistry } from '../agents/index.ts';
import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Page, Run, RunFilter, RunMode, Store } from '../storage/port/index.ts';
import { type ActiveRun, createActiveRuns, type RunLife } from './active-run.ts';
import { createEventLog } from './event-log.ts';
import type { CreateRun } from './schemas.ts';
import type { Slots } from './slots.ts';
import { toRunView } from './view.ts';

/** Runs that may wait in a process for their sessions; they hold no slot. */
const waitingRunsMax = 1_000;

/** When a caller that was refused for want of a slot does well to come back. */
const retryMs = 1_000;

/** Who asks, as the edge found out. */
export type Caller = { tenantId: string; requestId: string };

/** What the service stands on. */
export type RunServiceDeps = {
  store: Store;
  agents: AgentRegistry;
  life: RunLife;
  slots: Slots;
  clock: Clock;
  ids: Ids;
  settings: { runTimeoutMs: number; simulated: boolean };
  process: { id: string; appVersion: string; sdkVersion: string };
};

/** Takes runs in, keeps track of those of this process, and reads them back. */
export function createRunService({ store, agents, life, slots, clock, ids, settings, process }: RunServiceDeps) {
  const active = createActiveRuns();
  let closed = false;

  function refuseUnlessRoom(): void {
    if (closed) throw new ServiceError('shutting_down', {}, { retryAfterMs: retryMs });
    if (active.size() >= slots.max + waitingRunsMax || !slots.tryAcquire()) {
      throw new ServiceError('too_many_runs', {}, { retryAfterMs: retryMs });
    }
  }

  function agentFor(name: string | undefined): string {
    const agent = name ?? agents.entry;
    if (agents.get(agent)) return agent;
    const message = `must be one of ${agents.names().join(', ')}`;
    const errors = [{ path: 'agent', message }];
    throw new ServiceError('validation_failed', { reason: `agent ${message}.` }, { errors });
  }

  function insert(request: CreateRun, caller: Caller, mode: RunMode) {
    return store.runs.create(
      {
        id: ids('run'),
        tenantId: caller.tenantId,
        requestId: caller.requestId,
        sessionId: request.session_id ?? null,
        agent: agentFor(request.agent),
        message: request.message,
        metadata: (request.metadata ?? {}) as Run['metadata'],
        timeoutMs: request.timeout_s === undefined ? settings.runTimeoutMs : Math.round(request.timeout_s * 1000),
        simulated: settings.simulated,
        ownerId: process.id,
        appVersion: process.appVersion,
        sdkVersion: process.sdkVersion,
        mode,
      },
      request.if_busy,
    );
  }

  async function create(request: CreateRun, caller: Caller, mode: RunMode): Promise<ActiveRun> {
    const receivedMs = clock.monotonicMs();
    refuseUnlessRoom();
    let holdsSlot = true;
    try {
      const outcome = await insert(request, caller, mode);
      if (outcome.type === 'busy') {
        const names = { sessionId: request.session_id ?? '', runId: outcome.activeRunId };
        throw new ServiceError('session_busy', names, { activeRunId: outcome.activeRunId, retryAfterMs: retryMs });
      }
      const { run, type } = outcome;
      holdsSlot = type === 'started';
      const events = createEventLog({ runId: run.id, attempt: 1, simulated: run.simulated, clock });
      events.append({ type: 'run.created', run: toRunView(run) });
      const start = { holdsSlot, deadlineMs: receivedMs + run.timeoutMs };
      return active.add(run, events, (handle) => life(handle, start));
    } catch (error) {
      holdsSlot = false;
      throw error;
    } finally {
      // A run that was started keeps the slot until it ends; one in line for its session takes another in its turn.
      if (!holdsSlot) slots.release();
    }
  }

  return {
    active,

    /**
     * Creates a run and sets it going, or in line for its session. From here on it is stored and goes on whatever
     * becomes of the caller.
     *
     * @throws {ServiceError} `too_many_runs`, `session_busy`, `validation_failed`, `shutting_down`
     */
    create: (request: CreateRun, caller: Caller, mode: RunMode): Promise<ActiveRun> =>
      active.expect(() => create(request, caller, mode)),

    /** @throws {ServiceError} `not_found`, also for a run of another tenant */
    async get(tenantId: string, runId: string): Promise<Run> {
      const run = await store.runs.get(tenantId, runId);
      if (!run) throw new ServiceError('not_found', { what: `Run ${runId}` });
      return run;
    },

    /** Newest first. */
    list: (tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>> =>
      store.runs.list(tenantId, filter, limit, before),

    /** New runs are refused from now on. */
    close(): void {
      closed = true;
    },
  };
}

/** Takes runs in and reads them back. */
export type RunService = ReturnType<typeof createRunService>;
