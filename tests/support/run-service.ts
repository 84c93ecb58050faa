/** The service of runs over an embedded store of its own, for tests; attempts at its runs last until the test ends them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '@openai/agents';
import { createAgentRegistry, createModelChoices } from '../../src/agents/index.ts';
import { createIds } from '../../src/platform/ids.ts';
import { type AttemptEnd, createActiveRuns, type ExecuteAttempt } from '../../src/runs/active-runs.ts';
import { createAdmission } from '../../src/runs/admission/admission.ts';
import { createSlots } from '../../src/runs/admission/slots.ts';
import { createEventFeed } from '../../src/runs/events/event-feed.ts';
import { noFailpoints } from '../../src/runs/failpoints.ts';
import type { CreateRun } from '../../src/runs/run-request.ts';
import { createRunService } from '../../src/runs/service.ts';
import type { Store, StoredEvent } from '../../src/storage/port/index.ts';
import { createSqliteStore } from '../../src/storage/sqlite/index.ts';
import { createFakeClock } from './fake-clock.ts';

/** The caller of all runs. */
export const caller = {
  tenantId: 'tenant-a',
  keyId: null,
  requestId: 'req_1',
  spender: { tenantId: 'tenant-a', key: null },
};
/** A request for a run. */
export const request = (more: Partial<CreateRun> = {}): CreateRun => ({ message: 'Hi', if_busy: 'wait', ...more });

/** An attempt that has begun. */
export type StartedAttempt = Pick<Parameters<ExecuteAttempt>[0], 'run' | 'signal'> & {
  deadlineMs: number;
  recorded: readonly StoredEvent[];
  stored: Promise<unknown>;
  end: () => void;
};

/** A service on an embedded store of its own. The attempts at its runs last until the test ends them. */
export async function createService({
  slotsMax = 3,
  waitersMax = 0,
  createBy = ({ runs }: Store) => runs.create,
} = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-runs-'));
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await store.start();
  const clock = createFakeClock();
  const slots = createSlots(slotsMax);
  const attempts: StartedAttempt[] = [];
  const executeAttempt: ExecuteAttempt = ({ run, signal }, deadlineMs, recorded, stored) => {
    const ended = Promise.withResolvers<AttemptEnd>();
    attempts.push({ run, signal, deadlineMs, recorded, stored, end: () => ended.resolve({ type: 'ended', run }) });
    return ended.promise;
  };
  const hanging = new Set<string>();
  const orHang =
    <Args extends unknown[], T>(name: string, work: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      hanging.has(name) ? new Promise(() => {}) : work(...args);
  const runsOfStore = { ...store.runs, create: createBy(store), get: orHang('get', store.runs.get) };
  const active = createActiveRuns();
  const admission = createAdmission({
    slots,
    waitersMax,
    background: active.background,
    metrics: { waiting: () => {}, admitted: () => {}, shed: () => {} },
    clock,
  });
  const agent = (name: string) => new Agent({ name, instructions: 'Hi.' });
  const agents = createAgentRegistry({ triage: agent('triage'), orders: agent('orders') });
  const runs = createRunService({
    active,
    feed: createEventFeed({ store: { ...store, runs: runsOfStore }, active, clock }),
    store: { ...store, runs: runsOfStore },
    agents,
    models: createModelChoices(agents),
    continueWith: 'entry',
    executeAttempt,
    slots,
    admission,
    hitFailpoint: noFailpoints,
    clock,
    ids: createIds(clock.nowMs),
    settings: { runTimeoutMs: 30_000, backgroundTimeoutMs: 3_600_000, simulated: true },
    lease: { processId: () => 'proc_1', isHeld: () => true },
    versions: { app: '1.2.3', sdk: '0.20.0' },
    acceptWebhook: (webhook) => webhook,
    budgets: { check: () => (hanging.has('budgets') ? new Promise(() => {}) : null) },
    inputRules: { roles: [], fileIds: false, urls: false, apis: [], partsMax: 50, bytesMax: 1_000, charsMax: 1_000 },
  });
  return {
    runs,
    store,
    /** From now on an operation of the store does not answer. */
    hangs: (operation: 'get') => void hanging.add(operation),
    budgetsHang: () => void hanging.add('budgets'),
    active,
    slots,
    attempts,
    clock,
    async [Symbol.asyncDispose]() {
      await store.stop(AbortSignal.timeout(10_000));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
