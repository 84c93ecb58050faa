import { createIds } from '../../platform/ids.ts';
import type { FinalRun, NewRun, PausedRun, Run, RunStatus, Store, Usage } from '../port/index.ts';

/**
 * A store of one engine, empty and started, for one test. Disposing of it stops every store that it handed out and
 * removes their data.
 */
export type StoreFixture = AsyncDisposable & {
  readonly store: Store;
  /** Stops `store` and starts another one on the same data, as after a restart of the process. */
  reopen(): Promise<Store>;
  /** A second store on the same data at the same time, as another process has it. */
  join(): Promise<Store>;
  /** Sets, past the port, what no operation of the port can set yet or what only time can. */
  patchRun(runId: string, patch: { status?: RunStatus; createdAtMs?: number }): Promise<void>;
  /** Sets, past the port, when a session last changed. */
  patchSession(tenantId: string, sessionId: string, patch: { updatedAtMs: number }): Promise<void>;
};

export type OpenStore = () => Promise<StoreFixture>;

/** Ids that rise in the order in which they were made. */
export const newId = createIds(() => Date.UTC(2026, 0));

export const noUsage: Usage = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

export const tenant = 'tenant-a';
export const otherTenant = 'tenant-b';
export const owner = 'proc_owner';

/** A run that a caller asks for; of `tenant`, in session `s-1`, unless overridden. */
export function newRun(overrides: Partial<NewRun> = {}): NewRun {
  return {
    id: newId('run'),
    tenantId: tenant,
    sessionId: 's-1',
    mode: 'blocking',
    agent: 'triage',
    simulated: false,
    message: 'Where is my order?',
    metadata: {},
    timeoutMs: 30_000,
    requestId: 'req_1',
    appVersion: '1.2.3',
    sdkVersion: '0.20.0',
    ownerId: owner,
    ...overrides,
  };
}

/** An end that a run comes to; completed, unless overridden. */
export function finalRun(overrides: Partial<FinalRun> = {}): FinalRun {
  return {
    status: 'completed',
    lastAgent: 'triage',
    model: 'gpt-4.1',
    response: 'It left today.',
    output: null,
    usage: noUsage,
    costUsd: null,
    error: null,
    firstTokenMs: null,
    newItems: [],
    ...overrides,
  };
}

export const processLost = { code: 'internal', detail: 'The process that executed the run is gone.', retryable: true };

/** Creates a run and expects that it starts. */
export async function start(store: Store, overrides: Partial<NewRun> = {}): Promise<Run> {
  const outcome = await store.runs.create(newRun(overrides), 'wait');
  if (outcome.type !== 'started') throw new Error(`expected a run that starts, got ${JSON.stringify(outcome)}`);
  return outcome.run;
}

/** Creates a run and expects that it has to wait. */
export async function queue(store: Store, overrides: Partial<NewRun> = {}): Promise<Run> {
  const outcome = await store.runs.create(newRun(overrides), 'wait');
  if (outcome.type !== 'queued') throw new Error(`expected a run that waits, got ${JSON.stringify(outcome)}`);
  return outcome.run;
}

/** Ends a run at its attempt and expects that it does. */
export async function finish(store: Store, run: Run, overrides: Partial<FinalRun> = {}): Promise<Run> {
  const finished = await store.runs.finish(run.tenantId, run.id, run.attempt, finalRun(overrides));
  if (finished === null) throw new Error(`run ${run.id} could not be finished`);
  return finished;
}

/** What a run waits for, in the tests of a store. */
export const approval = { type: 'approval', items: [{ call_id: 'call_1', tool: 'refund' }] };

/** Stops a run for a person at its attempt and expects that it does. */
export async function pause(store: Store, run: Run, overrides: Partial<PausedRun> = {}): Promise<Run> {
  const paused: PausedRun = {
    lastAgent: 'orders',
    model: 'gpt-4.1',
    usage: { ...noUsage, requests: 1, totalTokens: 12 },
    costUsd: 0.5,
    firstTokenMs: 210,
    requiredAction: approval,
    ...overrides,
  };
  const stored = await store.runs.pause(run.tenantId, run.id, run.attempt, paused);
  if (stored === null) throw new Error(`run ${run.id} could not be paused`);
  return stored;
}

/** Everything that can be read of a session, to see that nothing changed. */
export async function sessionState(store: Store, tenantId = tenant, sessionId = 's-1') {
  return {
    session: await store.sessions.get(tenantId, sessionId),
    items: await store.sessions.items(tenantId, sessionId, 200, 0),
  };
}

/** Reads a list to its end, page by page. */
export async function readAll<T, Cursor>(
  readPage: (cursor: Cursor | null) => Promise<{ data: T[]; next: Cursor | null }>,
): Promise<{ rows: T[]; pages: number }> {
  const rows: T[] = [];
  let cursor: Cursor | null = null;
  for (let pages = 1; ; pages += 1) {
    const page: { data: T[]; next: Cursor | null } = await readPage(cursor);
    rows.push(...page.data);
    if (page.next === null) return { rows, pages };
    if (pages > 100) throw new Error('the list does not end');
    cursor = page.next;
  }
}
