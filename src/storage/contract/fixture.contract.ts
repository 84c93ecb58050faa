import { createIds } from '../../platform/ids.ts';
import type {
  ClaimedRun,
  ClaimOptions,
  FinalRun,
  JournalEntries,
  NewRun,
  PausedRun,
  ProcessInfo,
  Run,
  Signal,
  Step,
  Store,
  StoredEvent,
} from '../port/index.ts';
import { noUsage } from '../port/index.ts';

export { noUsage };

import { newRunRow, toRun } from '../run-row.ts';
import type { StoreOpening } from '../store-environment-policy.ts';

/**
 * A store of one engine, empty and started, for one test. Its disposal stops every store that it returned and removes
 * their data.
 */
export type StoreFixture = AsyncDisposable & {
  readonly store: Store;
  /** Stops `store` and starts another one on the same data, as after a restart of the process. */
  reopen(): Promise<Store>;
  /** A second store on the same data at the same time, as of another process. `opening`: the environment of that. */
  join(opening?: StoreOpening): Promise<Store>;
  /** Sets, past the port, a time that cannot be set through it. */
  patchRun(runId: string, patch: { createdAtMs: number }): Promise<void>;
  /**
   * Makes a run older, past the port: every time of it, shown or not, is `byMs` earlier, as if `byMs` had passed since
   * its last change.
   */
  ageRun(runId: string, byMs: number): Promise<void>;
  /** Makes idempotency keys older, past the port: they expire `byMs` earlier. */
  ageKeys(byMs: number): Promise<void>;
  /** Makes pending deliveries to webhooks older, past the port: their next attempt is due `byMs` earlier. */
  ageDeliveries(byMs: number): Promise<void>;
  /** Sets, past the port, when a session last changed. */
  patchSession(tenantId: string, sessionId: string, patch: { updatedAtMs: number }): Promise<void>;
};

export type OpenStore = () => Promise<StoreFixture>;

/** Ids that rise in the order in which they are created. */
export const newId = createIds(() => Date.UTC(2026, 0));

/** A past and a future time, whenever the tests run. */
export const longAgoMs = Date.UTC(2020, 0);
export const notYetMs = Date.UTC(2200, 0);

/** A run that waits for `notYetMs` is due when it is so much older. */
export const centuriesMs = notYetMs - longAgoMs;

export const tenant = 'tenant-a';
export const otherTenant = 'tenant-b';
export const owner = 'proc_owner';

/** A request for a run; of `tenant`, in session `s-1`, unless overridden. */
export function newRun(overrides: Partial<NewRun> = {}): NewRun {
  return {
    id: newId('run'),
    tenantId: tenant,
    sessionId: 's-1',
    mode: 'blocking',
    agent: 'triage',
    simulated: false,
    input: { text: 'Where is my order?' },
    metadata: {},
    options: null,
    timeoutMs: 30_000,
    priority: 0,
    runAtMs: null,
    requestId: 'req_1',
    appVersion: '1.2.3',
    sdkVersion: '0.20.0',
    budgetKeyId: null,
    ownerId: owner,
    idempotency: null,
    ...overrides,
  };
}

export const noEntries: JournalEntries = { steps: [], events: [] };

/** A model call that was recorded as completed, unless overridden. */
export function newStep(step: number, overrides: Partial<Step> = {}): Step {
  return {
    step,
    key: `model:${step}`,
    kind: 'model_call',
    scope: '',
    name: 'gpt-4.1',
    agent: 'triage',
    callId: null,
    status: 'completed',
    attempt: 1,
    replayed: 0,
    effect: null,
    idempotencyKey: null,
    input: [{ role: 'user', content: 'Where is my order?' }],
    output: [{ role: 'assistant', content: 'It left today.' }],
    isError: false,
    error: null,
    provider: 'openai',
    model: 'gpt-4.1',
    usage: { ...noUsage, requests: 1, totalTokens: 12 },
    costUsd: 0.25,
    requestDigest: 'd1',
    drift: false,
    startedAtMs: 1_000,
    firstTokenMs: 120,
    durationMs: 340,
    changes: null,
    ...overrides,
  };
}

/** An event of a run. */
export const newEvent = (seq: number, overrides: Partial<StoredEvent> = {}): StoredEvent => ({
  seq,
  type: 'text.delta',
  attempt: 1,
  atMs: 1_000 + seq,
  data: { step: 1, delta: `${seq}` },
  ...overrides,
});

/** The end of a run; completed, unless overridden. */
export function finalRun(overrides: Partial<FinalRun> = {}): FinalRun {
  return {
    status: 'completed',
    lastAgent: 'triage',
    model: 'gpt-4.1',
    response: 'It left today.',
    output: null,
    annotations: null,
    files: null,
    usage: noUsage,
    costUsd: null,
    error: null,
    drift: false,
    firstTokenMs: null,
    newItems: [],
    entries: noEntries,
    ...overrides,
  };
}

/** The required action of a paused run. */
export const approval = { type: 'approval', items: [{ call_id: 'call_1', tool: 'refund' }] };

/** The state of a run when it stops for a person. */
export function pausedRun(overrides: Partial<PausedRun> = {}): PausedRun {
  return {
    lastAgent: 'orders',
    model: 'gpt-4.1',
    usage: { ...noUsage, requests: 1, totalTokens: 12 },
    costUsd: 0.5,
    drift: false,
    firstTokenMs: 210,
    requiredAction: approval,
    expiresInMs: 3_600_000,
    entries: noEntries,
    ...overrides,
  };
}

export const poison = { code: 'internal', detail: 'The run ended three processes.', retryable: false };
export const cancelled = { code: 'cancelled', detail: 'The run was cancelled.', retryable: false };

export const processInfo = (id: string): ProcessInfo => ({
  id,
  host: 'host-1',
  pid: 4711,
  appVersion: '1.2.3',
  sdkVersion: '0.20.0',
  agents: ['triage', 'orders'],
  background: true,
});

/** Registers a process with a lease of an hour. */
export const live = (store: Store, id: string) => store.processes.register(processInfo(id), 3_600_000);

/** Registers a process whose lease expired a minute ago, so that no test has to wait for it. */
export const dead = (store: Store, id: string) => store.processes.register(processInfo(id), -60_000);

/** Creates a run and expects that it starts. */
export async function start(store: Store, overrides: Partial<NewRun> = {}): Promise<Run> {
  const outcome = await store.runs.create(newRun(overrides), 'wait', true);
  if (outcome.type !== 'started') throw new Error(`expected a run that starts, got ${JSON.stringify(outcome)}`);
  return outcome.run;
}

/** Creates a run that is to be claimed, and expects that it is queued. */
export async function queue(store: Store, overrides: Partial<NewRun> = {}): Promise<Run> {
  const outcome = await store.runs.create(newRun(overrides), 'wait', false);
  if (outcome.type !== 'queued') throw new Error(`expected a run that waits, got ${JSON.stringify(outcome)}`);
  return outcome.run;
}

/** Creates a run that interrupts the one that holds its session, and expects that it starts or is queued. */
export async function interrupt(store: Store, overrides: Partial<NewRun> = {}, startNow = true): Promise<Run> {
  const outcome = await store.runs.create(newRun(overrides), 'interrupt', startNow);
  if (outcome.type !== 'started' && outcome.type !== 'queued') {
    throw new Error(`expected a run that starts or waits, got ${JSON.stringify(outcome)}`);
  }
  return outcome.run;
}

/** The options of a claim without limits. */
export const claimAll: ClaimOptions = {
  limit: 100,
  backgroundMax: 100,
  crashed: true,
  agents: ['triage', 'orders'],
  version: null,
};

/** Claims all eligible runs, unless overridden. */
export function claim(store: Store, options: Partial<ClaimOptions> = {}, ownerId = owner): Promise<ClaimedRun[]> {
  return store.runs.claim(ownerId, { ...claimAll, ...options });
}

/** Claims all eligible runs, and expects that it is one. */
export async function claimOne(store: Store, ownerId = owner): Promise<Run> {
  const claimed = await claim(store, {}, ownerId);
  const [first, ...others] = claimed;
  if (first === undefined || others.length > 0) throw new Error(`expected one run to claim, got ${claimed.length}`);
  return first.run;
}

export const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);

/** Claims as `claim` does; returns ids. */
export const claimIds = async (store: Store, options: Partial<ClaimOptions> = {}): Promise<string[]> =>
  idsOf((await claim(store, options)).map(({ run }) => run));

/** A run that started at once, and that is in no store. */
export const unstoredRun = (id: string): Run =>
  toRun(newRunRow(newRun({ id }), { status: 'running', sessionSeq: 0, nowMs: 0 }));

/** Ends a run at its attempt and expects that it ended. */
export async function finish(store: Store, run: Run, overrides: Partial<FinalRun> = {}): Promise<Run> {
  const finished = await store.runs.finish(run, finalRun(overrides));
  if (finished === null) throw new Error(`run ${run.id} could not be finished`);
  return finished;
}

/** Pauses a run for a person at its attempt and expects that it paused. */
export async function pause(store: Store, run: Run, overrides: Partial<PausedRun> = {}): Promise<Run> {
  const stored = await store.runs.pause(run.tenantId, run.id, run.attempt, pausedRun(overrides));
  if (stored === null) throw new Error(`run ${run.id} could not be paused`);
  return stored;
}

/** Hands a run back at its attempt and expects that it was. */
export async function handBack(store: Store, run: Run): Promise<void> {
  const written = await store.runs.handBack(run.tenantId, run.id, run.attempt, noEntries);
  if (!written) throw new Error(`run ${run.id} could not be handed back`);
}

/** The ids of the runs of a process whose cancellation was requested. */
export const cancelRequested = async (store: Store, ownerId: string): Promise<string[]> =>
  idsOf((await store.runs.owned(ownerId)).filter((run) => run.cancelRequested));

/** The whole journal of a run, to see what changed. */
export async function journalOf(store: Store, run: { tenantId: string; id: string }): Promise<JournalEntries> {
  return {
    steps: await store.journal.steps(run.tenantId, run.id),
    events: await store.journal.events(run.tenantId, run.id, 0, 10_000),
  };
}

/** Records the signals of a store, and waits for them. */
export function listen(store: Store) {
  const heard: Signal[] = [];
  let wake = () => {};
  const stop = store.signals.subscribe((signal) => {
    heard.push(signal);
    wake();
  });
  return {
    heard,
    /** Resolves when such a signal was received; the test's timeout limits the wait. */
    async until(type: Signal['type'], runId?: string): Promise<void> {
      const matches = (signal: Signal) =>
        signal.type === type && (runId === undefined || ('runId' in signal && signal.runId === runId));
      while (!heard.some(matches)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]: stop,
  };
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
