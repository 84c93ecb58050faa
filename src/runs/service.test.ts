import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createAgentRegistry, createModelChoices } from '../agents/index.ts';
import { createIds } from '../platform/ids.ts';
import type { Store, StoredEvent } from '../storage/port/index.ts';
import { createSqliteStore } from '../storage/sqlite/index.ts';
import { type AttemptEnd, createActiveRuns, type ExecuteAttempt } from './active-runs.ts';
import { createAdmission } from './admission/admission.ts';
import { createSlots } from './admission/slots.ts';
import { createEventFeed } from './events/event-feed.ts';
import { noFailpoints } from './failpoints.ts';
import type { CreateRun } from './run-request.ts';
import { createRunService } from './service.ts';

const caller = { tenantId: 'tenant-a', keyId: null, requestId: 'req_1', spender: { tenantId: 'tenant-a', key: null } };
const request = (more: Partial<CreateRun> = {}): CreateRun => ({ message: 'Hi', if_busy: 'wait', ...more });

type StartedAttempt = Pick<Parameters<ExecuteAttempt>[0], 'run' | 'signal'> & {
  deadlineMs: number;
  recorded: readonly StoredEvent[];
  stored: Promise<unknown>;
  end: () => void;
};

/** A service on an embedded store of its own. The attempts at its runs last until the test ends them. */
async function createService({ slotsMax = 3, waitersMax = 0, createBy = ({ runs }: Store) => runs.create } = {}) {
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

describe('a run that is created', () => {
  test('is stored with the facts of its caller and of this process, and can be read at once', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(
      request({ session_id: 's-1', metadata: { channel: 'web' }, agent: 'orders' }),
      caller,
      'stream',
    );
    expect(await service.runs.get('tenant-a', run.id)).toEqual(run);
    expect(run).toMatchObject({
      status: 'running',
      tenantId: 'tenant-a',
      requestId: 'req_1',
      sessionId: 's-1',
      metadata: { channel: 'web' },
      agent: 'orders',
      mode: 'stream',
      simulated: true,
      timeoutMs: 30_000,
      ownerId: 'proc_1',
      appVersion: '1.2.3',
      sdkVersion: '0.20.0',
    });
  });

  test('starts with the entry agent unless the request names another one', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'blocking');
    expect(run).toMatchObject({ agent: 'triage', sessionId: null, metadata: {} });
  });

  test('has run.created as its first event, with its id', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'stream');
    const first = await service.active.get(run.id)?.log.read(0).next();
    expect(first?.value).toMatchObject({ seq: 1, type: 'run.created', run: { run_id: run.id }, simulated: true });
  });

  test('has run.started as its next event, stored with the run; a queued run has none until it is claimed', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'stream');
    const events = service.active.get(run.id)?.log.read(1);
    expect((await events?.next())?.value).toMatchObject({ seq: 2, type: 'run.started', agent: 'triage' });
    const waiting = await service.runs.create(request({ session_id: 's-1' }), caller, 'stream');
    expect(service.attempts.map(({ recorded }) => recorded)).toEqual([
      await service.store.journal.events('tenant-a', run.id, 0, 10),
    ]);
    expect(await service.store.journal.events('tenant-a', waiting.run.id, 0, 10)).toEqual([]);
  });

  test('is active until its attempt has ended', async () => {
    await using service = await createService();
    const accepted = await service.runs.create(request(), caller, 'blocking');
    expect(service.active.size()).toBe(1);
    service.attempts[0]?.end();
    expect(await service.runs.waitForEnd(accepted)).toMatchObject({ run: { id: accepted.run.id } });
    expect(service.active.size()).toBe(0);
  });

  test('is prepared while the store makes it durable, and answered after that', async () => {
    const durable = Promise.withResolvers<void>();
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          const outcome = await runs.create(...args);
          await durable.promise;
          return outcome;
        },
    });
    const order: string[] = [];
    const accepted = service.runs.create(request(), caller, 'blocking').then(() => order.push('answered'));
    while (service.attempts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const stored = service.attempts[0]?.stored.then(() => order.push('stored'));
    order.push('prepared');
    durable.resolve();
    await Promise.all([accepted, stored]);
    expect(order).toEqual(['prepared', 'stored', 'answered']);
    expect(service.slots.used()).toBe(1);
  });

  test('has a deadline that counts from its receipt, including the time to store it', async () => {
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          await service.clock.advance(400);
          return runs.create(...args);
        },
    });
    await service.runs.create(request(), caller, 'blocking');
    await service.runs.create(request({ timeout_s: 1.5 }), caller, 'blocking');
    expect(service.attempts.map(({ deadlineMs }) => deadlineMs)).toEqual([30_000, 400 + 1_500]);
    expect(service.attempts[1]?.run.timeoutMs).toBe(1_500);
  });
});

describe('the slots of a process', () => {
  test('are held by runs that execute, and the next run is refused before anything is stored', async () => {
    await using service = await createService({ slotsMax: 2 });
    await service.runs.create(request(), caller, 'blocking');
    await service.runs.create(request(), caller, 'blocking');
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toMatchObject({
      code: 'too_many_runs',
      extras: { retryAfterMs: 2_125 },
    });
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(2);
    service.attempts[0]?.end();
    await service.active.get(service.attempts[0]?.run.id ?? '')?.ended;
    await service.runs.create(request(), caller, 'blocking');
    expect(service.slots.used()).toBe(2);
  });

  test('are not held by a run that waits for its session', async () => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    expect(run.status).toBe('queued');
    expect(service.attempts).toHaveLength(1);
    expect(service.slots.used()).toBe(1);
  });

  test.each([
    { refusal: 'of an unknown agent', more: { agent: 'unknown' }, code: 'validation_failed' },
    { refusal: 'of a busy session', more: { session_id: 's-1', if_busy: 'reject' as const }, code: 'session_busy' },
  ])('are released at the refusal $refusal', async ({ more, code }) => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    await expect(service.runs.create(request(more), caller, 'blocking')).rejects.toMatchObject({ code });
    expect(service.slots.used()).toBe(1);
    expect(service.active.size()).toBe(1);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
  });

  test('are released if the store fails', async () => {
    await using service = await createService({
      createBy: () => () => Promise.reject(new Error('connection lost')),
    });
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toThrow('connection lost');
    expect(service.slots.used()).toBe(0);
    expect(service.active.size()).toBe(0);
  });
});

describe('a caller that waits for a slot', () => {
  const untilStored = async (service: Awaited<ReturnType<typeof createService>>, count: number) => {
    while (service.attempts.length < count) await new Promise((resolve) => setImmediate(resolve));
  };

  test('has nothing stored, and then a run whose wait counts as queued and towards its deadline', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const waiting = service.runs.create(request({ timeout_s: 20 }), caller, 'blocking');
    await service.clock.advance(4_000);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
    service.attempts[0]?.end();
    const { run, deadlineMs } = await waiting;
    await untilStored(service, 2);
    expect(deadlineMs).toBe(20_000);
    expect(service.attempts[1]).toMatchObject({ deadlineMs: 20_000, run: { id: run.id, timeoutMs: 20_000 } });
    const { startedAtMs, createdAtMs } = await service.runs.get('tenant-a', run.id);
    expect((startedAtMs ?? 0) - createdAtMs).toBe(4_000);
    expect(service.slots.used()).toBe(1);
  });

  test('is refused before any wait if its request is invalid', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const wrong = service.runs.create(request({ agent: 'unknown' }), caller, 'blocking');
    await expect(wrong).rejects.toMatchObject({ code: 'validation_failed' });
  });

  test('is refused at once when the process stops, and does not delay the stop', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 2 });
    await service.runs.create(request(), caller, 'blocking');
    const waiting = [1, 2].map(() => service.runs.create(request(), caller, 'stream'));
    service.attempts[0]?.end(); // the first of them gets the slot now, and the service closes before it can use it
    await service.active.get(service.attempts[0]?.run.id ?? '')?.ended;
    service.runs.close();
    const outcomes = await Promise.allSettled(waiting);
    for (const outcome of outcomes.filter(({ status }) => status === 'rejected')) {
      expect(outcome).toMatchObject({ reason: { code: 'shutting_down' } });
    }
    expect(outcomes[1]?.status).toBe('rejected');
    for (const { end } of service.attempts) end();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
    expect(service.slots.used()).toBe(0);
  });

  test('leaves the queue when its client disconnects, and no run is created', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const disconnected = new AbortController();
    const waiting = service.runs.create(request(), caller, 'blocking', disconnected.signal);
    disconnected.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    service.attempts[0]?.end();
    await service.active.idle(AbortSignal.timeout(10_000));
    expect(service.slots.used()).toBe(0);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
  });
});

describe('refusals', () => {
  test('a busy session is refused with the id of the run that holds it, and a time to retry', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const again = service.runs.create(request({ session_id: 's-1', if_busy: 'reject' }), caller, 'blocking');
    await expect(again).rejects.toMatchObject({
      code: 'session_busy',
      message: `Session s-1 is held by run ${run.id}.`,
      extras: { activeRunId: run.id, retryAfterMs: 1_000 },
    });
  });

  test('an unknown agent is refused with the names of all agents', async () => {
    await using service = await createService();
    await expect(service.runs.create(request({ agent: 'unknown' }), caller, 'blocking')).rejects.toMatchObject({
      code: 'validation_failed',
      message: 'agent must be one of triage, orders.',
      extras: { errors: [{ path: 'agent', message: 'must be one of triage, orders' }] },
    });
  });

  test('the run of another tenant is neither found nor listed', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'blocking');
    await expect(service.runs.get('tenant-b', run.id)).rejects.toMatchObject({
      code: 'not_found',
      message: `Run ${run.id} was not found.`,
    });
    expect((await service.runs.list('tenant-b', {}, 10, null)).data).toEqual([]);
  });
});

describe('the stop of a process', () => {
  test('new runs are refused once the service is closed, and active runs continue', async () => {
    await using service = await createService();
    await service.runs.create(request(), caller, 'blocking');
    service.runs.close();
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toMatchObject({ code: 'shutting_down' });
    expect(service.attempts[0]?.signal.aborted).toBe(false);
    service.attempts[0]?.end();
    expect(await service.active.idle(new AbortController().signal)).toBe(true);
  });

  test('waits for a run that was admitted and is being stored', async () => {
    const storing = Promise.withResolvers<void>();
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          await storing.promise;
          return runs.create(...args);
        },
    });
    const creating = service.runs.create(request(), caller, 'blocking');
    service.runs.close();
    const order: string[] = [];
    const idle = service.active.idle(AbortSignal.timeout(10_000)).then((done) => order.push(`idle ${done}`));
    storing.resolve();
    await creating;
    order.push('created');
    service.attempts[0]?.end();
    await idle;
    expect(order).toEqual(['created', 'idle true']);
  });

  test('does not wait for a run that was refused', async () => {
    await using service = await createService();
    await expect(service.runs.create(request({ agent: 'unknown' }), caller, 'blocking')).rejects.toThrow();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
  });

  test('stops every run for the same reason', async () => {
    await using service = await createService();
    for (let count = 0; count < 3; count += 1) await service.runs.create(request(), caller, 'blocking');
    service.active.stopAll('shutting_down');
    for (const { signal } of service.attempts) expect(signal.reason).toMatchObject({ reason: 'shutting_down' });
  });

  test('waits for the last run until its deadline at most', async () => {
    await using service = await createService();
    await service.runs.create(request(), caller, 'blocking');
    const deadline = new AbortController();
    const idle = service.active.idle(deadline.signal);
    deadline.abort();
    expect(await idle).toBe(false);
  });
});

describe('a store that does not answer', () => {
  test('keeps the caller of a new run no longer than the time of the run and a moment, and no slot', async () => {
    const asked = Promise.withResolvers<void>();
    await using service = await createService({
      createBy: () => () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const created = service.runs.create(request({ timeout_s: 8 }), caller, 'blocking');
    const refused = expect(created).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    await asked.promise;
    await service.clock.advance(10_000);
    await refused;
    expect([service.slots.used(), service.attempts]).toEqual([0, []]);
  });

  test('keeps a caller whose run another process executes no longer than that either, and not the stop', async () => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const queued = await service.runs.create(request({ session_id: 's-1', timeout_s: 8 }), caller, 'blocking');
    service.hangs('get');
    const ended = service.runs.waitForEnd(queued);
    const refused = expect(ended).rejects.toMatchObject({
      code: 'store_unavailable',
      status: 503,
      extras: { runId: queued.run.id },
    });
    await service.clock.advance(10_000);
    await refused;
    service.attempts[0]?.end();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
  });

  test('keeps nobody who repeats a request longer than the time of the run, whatever hangs first', async () => {
    await using service = await createService();
    service.budgetsHang();
    const repeated = service.runs.create(request({ timeout_s: 8 }), { ...caller, idempotencyKey: 'k' }, 'blocking');
    const refused = expect(repeated).rejects.toMatchObject({ code: 'store_unavailable' });
    await service.clock.advance(10_000);
    await refused;
    expect(service.slots.used()).toBe(0);
  });

  test('lets the time of a run count from before the check of its caller', async () => {
    await using service = await createService();
    await service.clock.advance(5_000);
    await service.runs.create(request({ timeout_s: 8 }), { ...caller, accessMs: 3_000 }, 'blocking');
    expect(service.attempts[0]?.deadlineMs).toBe(10_000);
  });
});
