import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { waitMsMax } from '../../../tests/support/limits.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore } from '../../../tests/support/postgres-store.ts';
import { ServiceError } from '../../platform/errors.ts';
import { finalRun, newRun, newStep, pausedRun, tenant } from '../../storage/contract/fixture.contract.ts';
import type { Run, Step, Store } from '../../storage/port/index.ts';
import { createSqliteStore } from '../../storage/sqlite/index.ts';
import { createActiveRuns } from '../active-runs.ts';
import { createAttemptStarter } from '../attempt-starter.ts';
import { createEventFeed } from '../events/event-feed.ts';
import { noFailpoints } from '../failpoints.ts';
import { stopped } from '../run-failure.ts';
import { createRunWaiter } from '../run-waiter.ts';
import { type AttemptExecutorDeps, createAttemptExecutor } from './attempt-executor.ts';
import type { Execution } from './execution-outcome.ts';
import type { Journal } from './journal.ts';
import type { StepStart } from './step-record.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

async function openSqlite(): Promise<Store & AsyncDisposable> {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-refused-'));
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await store.start();
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store.stop(AbortSignal.timeout(10_000));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const engines = { SQLite: openSqlite, Postgres: () => openPostgresStore(database.url) };

/** What an attempt does, and how it ends. */
type Work = (journal: Journal) => Promise<Execution>;

const completed = (journal: Journal): Execution => {
  const { entries: _, ...final } = finalRun({ usage: journal.usage(), costUsd: journal.costUsd() });
  return { type: 'ended', final };
};

/** Carries out attempts at runs of a store by `work`, as the service does, on a clock that stands still. */
function createHarness(store: Store, work: Work) {
  const clock = createFakeClock();
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const active = createActiveRuns();
  const nothing = () => {};
  const executor = {
    execute: ({ journal, signal }: { journal: Journal; signal: AbortSignal }) =>
      work(journal).catch((): Execution => {
        const { status, error } = stopped(signal.reason?.reason ?? 'cancelled');
        const { entries: _, ...final } = finalRun({ status, error, usage: journal.usage() });
        return { type: 'ended', final };
      }),
  };
  const executeAttempt = createAttemptExecutor({
    store,
    executor,
    lease: { isHeld: () => true },
    effectDefault: 'write',
    toolOutputBytesMax: 1_000_000,
    historyItemsMax: null,
    budgets: { forRun: () => ({}) },
    logsContent: false,
    contexts: { keep: 'run' },
    metrics: { started: nothing, ended: nothing, flushed: nothing, stepEnded: nothing },
    hitFailpoint: noFailpoints,
    clock,
    log,
  } as unknown as AttemptExecutorDeps);
  const startAttempt = createAttemptStarter({
    executeAttempt,
    active,
    slots: { release: nothing },
    admission: { served: nothing },
    clock,
  });
  const feed = createEventFeed({ store, active, clock });
  const waiter = createRunWaiter({ store, feed, active, isClosed: () => false, clock });
  return {
    clock,
    lines,
    /** Creates a run that begins at once, with 8 s of time; resolves with it and how to wait for its end. */
    async run(overrides: Parameters<typeof newRun>[0] = { sessionId: null }) {
      const stored = store.runs.create(newRun(overrides), 'wait', true, (run) => {
        startAttempt(run, clock.monotonicMs() + 8_000, [], stored);
      });
      const outcome = (await stored) as { run: Run };
      return { run: outcome.run, end: waiter.waitForEnd({ run: outcome.run, deadlineMs: 8_000, warnings: [] }) };
    },
    /** The types of all events that a viewer of a run sees. */
    async seen(run: Run): Promise<string[]> {
      const events = await Array.fromAsync(feed.read(run, 0, new AbortController().signal));
      return events.map(({ type }) => type);
    },
  };
}

/** Records a completed step, as a model call or a tool call does. */
function record(journal: Journal, step: number, overrides: Partial<Step>): void {
  const { key, kind, scope, name, agent, callId, effect, input, requestDigest, startedAtMs, ...end } = newStep(
    step,
    overrides,
  );
  const start = { key, kind, scope, name, agent, callId, effect, input, requestDigest } as StepStart;
  journal.record(start, step, startedAtMs, {
    status: end.status as 'completed',
    output: end.output,
    provider: end.provider,
    model: end.model,
    usage: end.usage,
    costUsd: end.costUsd,
  });
}

const fraction = {
  requests: 1,
  inputTokens: 5.5,
  cachedInputTokens: 0,
  outputTokens: 3,
  reasoningTokens: 0,
  totalTokens: 8.5,
};
const good = { ...fraction, inputTokens: 5, totalTokens: 8 };

/** Runs of which the store refuses something, and what the log has to name. */
const refusals: Record<string, [work: Work, operation: string, named: RegExp]> = {
  'tokens in fractions': [
    async (journal) => {
      record(journal, 2, { usage: good, costUsd: 0.5 });
      record(journal, 3, { key: 'other', usage: fraction });
      await journal.flush();
      return completed(journal);
    },
    'journal.append',
    /steps\.input_tokens takes a whole number/,
  ],
  'a call id that is a number': [
    async (journal) => {
      record(journal, 2, { usage: good, costUsd: 0.5 });
      record(journal, 3, { key: 'call', kind: 'tool_call', usage: null, callId: 7 as unknown as string });
      await journal.flush();
      return completed(journal);
    },
    'journal.append',
    /steps\.call_id takes a text/,
  ],
  'an answer that goes in circles': [
    async (journal) => {
      record(journal, 2, { usage: good, costUsd: 0.5 });
      await journal.flush();
      const output: Record<string, unknown> = { private: 'words of a user' };
      output.self = output;
      const execution = completed(journal);
      return { type: 'ended', final: { ...(execution as { final: object }).final, output } } as never;
    },
    'runs.finish',
    /could not be encoded \(TypeError\)/,
  ],
  'a pause with a cost that is infinite': [
    async (journal) => {
      record(journal, 2, { usage: good, costUsd: 0.5 });
      const { entries: _, ...paused } = pausedRun({ costUsd: Number.POSITIVE_INFINITY });
      return { type: 'paused', paused };
    },
    'runs.pause',
    /runs\.cost_usd takes a number/,
  ],
  'a step whose kind does not exist': [
    async (journal) => {
      record(journal, 2, { usage: good, costUsd: 0.5 });
      record(journal, 3, { key: 'odd', kind: 'dream' as never, usage: null });
      await journal.flush();
      return completed(journal);
    },
    'journal.append',
    /275|23514/,
  ],
};

for (const [engine, open] of Object.entries(engines)) {
  describe(`a run of which the store refuses something, on ${engine}`, () => {
    for (const [name, [work, operation, named]] of Object.entries(refusals)) {
      test(`fails at once with not_storable, keeps what could be stored, and leaves one line in the log: ${name}`, async () => {
        await using store = await open();
        const harness = createHarness(store, work);
        const { run, end } = await harness.run({ sessionId: `s-${name}` });
        const seen = harness.seen(run);
        expect(await end).toMatchObject({
          run: { status: 'failed', error: { code: 'not_storable', retryable: false } },
        });
        const stored = await store.runs.get(tenant, run.id);
        expect(stored).toMatchObject({ status: 'failed', error: { code: 'not_storable' }, ownerId: null });
        expect(stored).toMatchObject({ usage: good, costUsd: 0.5 });
        expect((await store.journal.steps(tenant, run.id)).map(({ step }) => step)).toEqual([2]);
        const types = (await store.journal.events(tenant, run.id, 0, 100)).map(({ type }) => type);
        expect(types).toEqual(['run.started', 'run.failed']);
        expect(await seen).toEqual(['run.created', ...types]);
        expect(harness.lines).toEqual([
          expect.objectContaining({ level: 50, msg: 'run ended', runId: run.id, operation, code: 'not_storable' }),
        ]);
        expect(harness.lines[0]?.err).toMatchObject({ message: expect.stringMatching(named) });
        expect(JSON.stringify(harness.lines)).not.toContain('words of a user');
        expect(harness.clock.monotonicMs()).toBe(0);
      });
    }

    test('does not keep its session: the next run of it begins', async () => {
      await using store = await open();
      const harness = createHarness(store, refusals['tokens in fractions']?.[0] as Work);
      await (await harness.run({ sessionId: 'freed' })).end;
      const next = await store.runs.create(newRun({ sessionId: 'freed' }), 'wait', true);
      expect(next).toMatchObject({ type: 'started' });
    });
  });
}

describe('a run whose end cannot be stored since the store is away', () => {
  const away = () => Promise.reject(new ServiceError('store_unavailable', {}));

  test('has its caller and its viewers told soon after its time is over, and its end is stored once the store is back', async () => {
    await using sqlite = await openSqlite();
    let isAway = true;
    const finish: Store['runs']['finish'] = (run, final) => (isAway ? away() : sqlite.runs.finish(run, final));
    const store: Store = { ...sqlite, runs: { ...sqlite.runs, finish } };
    const harness = createHarness(store, async (journal) => completed(journal));
    const { run, end } = await harness.run();
    const seen = harness.seen(run);
    const told = expect(end).rejects.toMatchObject({ code: 'store_unavailable', extras: { runId: run.id } });
    await harness.clock.advance(10_000);
    await told;
    expect(await seen).toEqual(['run.created']); // the stream ends, and a viewer that comes back finds the rest
    isAway = false;
    await harness.clock.advance(1_000);
    await expect
      .poll(() => sqlite.runs.get(tenant, run.id), { timeout: waitMsMax })
      .toMatchObject({ status: 'completed' });
  });
});
