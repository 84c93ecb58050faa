import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { spawnProcess } from '../../../tests/support/child-processes.ts';
import { createSqliteStore, databaseFile } from './index.ts';
import { readMigrations } from './migrate.ts';

const owner = 'proc_1';

/** The beginning of every program below: a store on the folder that the program is given. */
const preamble = `
  import { createSqliteStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
  const [dataDir, sync] = process.argv.slice(1);
  const open = (executes) => createSqliteStore({ dataDir, sync, executes });
`;

const migrateAtSignal = `${preamble}
  console.log('ready');
  process.stdin.once('data', async () => {
    const store = open(false);
    await store.start();
    await store.stop(AbortSignal.timeout(10_000));
    console.log('done');
    process.exit(0);
  });
`;

// Global, since a store that nobody refers to any more is collected, and its lock with it.
const holdTheLock = `${preamble}
  globalThis.store = open(true);
  await store.start();
  console.log('ready');
  process.stdin.resume();
`;

// Every line is written after the promise of what it says has resolved. The pipe is written synchronously.
const writeForEver = `${preamble}
  const store = open(true);
  await store.start();
  const usage = { requests: 1, inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, reasoningTokens: 0, totalTokens: 2 };
  const step = { step: 1, key: 'model:1', kind: 'model_call', scope: '', name: 'm', agent: 'a', callId: null,
    status: 'completed', attempt: 1, replayed: 0, effect: null, idempotencyKey: null, input: 'i', output: 'o',
    isError: false, error: null, provider: 'p', model: 'm', usage, costUsd: null, requestDigest: null, drift: false,
    startedAtMs: 1, firstTokenMs: null, durationMs: null, changes: null };
  const event = (seq) => ({ seq, type: 'text.delta', attempt: 1, atMs: 1, data: { seq } });
  const lane = async (sessionId) => {
    for (let n = 0; ; n += 1) {
      const id = ['run', sessionId, n].join('_');
      const run = { id, tenantId: 't', sessionId, mode: 'blocking', agent: 'a', simulated: false, input: { text: 'm' },
        metadata: {}, options: null, timeoutMs: 1, priority: 0, runAtMs: null, requestId: 'r', appVersion: '1', sdkVersion: '1',
        budgetKeyId: null,
        ownerId: '${owner}', idempotency: { key: id, fingerprint: 'f', ttlMs: 3_600_000 } };
      const begun = await store.runs.create(run, 'wait', true);
      console.log('created', id);
      await store.journal.append('t', id, 1, { steps: [step], events: [event(2), event(3)] });
      console.log('recorded', id);
      const end = { status: 'completed', lastAgent: 'a', model: 'm', response: 'r', output: null, annotations: null, files: null, usage, costUsd: null,
        error: null, drift: false, firstTokenMs: null, newItems: [{ id }, { id }],
        entries: { steps: [], events: [event(4)] } };
      await store.runs.finish(begun.run, end);
      console.log('finished', id);
    }
  };
  for (let n = 0; n < 10; n += 1) lane('s' + n);
`;

function createFolder() {
  const path = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A process of its own that runs `program`; disposing of it kills it. */
function runProgram(program: string, ...values: string[]) {
  const child = spawnProcess(process.execPath, ['--input-type=module', '--eval', program, '--', ...values], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    stdin: child.stdin,
    /** The next line of its output; fails if there is none. */
    async line(): Promise<string> {
      const { value, done } = await lines.next();
      if (done) throw new Error('the program ended');
      return value;
    },
    /** Kills it, and returns the lines that were still in the pipe. */
    async kill(): Promise<string[]> {
      child.kill('SIGKILL');
      const rest: string[] = [];
      for (let next = await lines.next(); !next.done; next = await lines.next()) rest.push(next.value);
      await closed;
      return rest;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

describe('several processes on one folder', () => {
  test('that start at once on an empty folder bring it to the newest schema together', async () => {
    using folder = createFolder();
    await using stack = new AsyncDisposableStack();
    const programs = Array.from({ length: 5 }, () => stack.use(runProgram(migrateAtSignal, folder.path, 'full')));
    for (const program of programs) expect(await program.line()).toBe('ready');
    for (const program of programs) program.stdin.write('go\n');
    for (const program of programs) expect(await program.line()).toBe('done');

    using connection = new DatabaseSync(join(folder.path, databaseFile));
    const versions = connection.prepare('select version from schema_migrations order by version').all();
    expect(versions).toEqual(readMigrations().map(({ version }) => ({ version })));
  });

  test('have one executor, whose place is free at once when it is killed', async () => {
    using folder = createFolder();
    await using program = runProgram(holdTheLock, folder.path, 'full');
    expect(await program.line()).toBe('ready');
    const store = createSqliteStore({ dataDir: folder.path, sync: 'full', executes: true });
    await expect(store.start()).rejects.toThrow(`pid ${program.pid}`);
    await program.kill();
    await store.start();
    await store.stop(AbortSignal.timeout(10_000));
  });
});

describe('a process that is killed', () => {
  for (const sync of ['full', 'normal'] as const) {
    test(`loses nothing that it has acknowledged, and halves nothing: ${sync}`, async () => {
      using folder = createFolder();
      await using program = runProgram(writeForEver, folder.path, sync);
      const acknowledged: string[] = [];
      while (acknowledged.length < 500) acknowledged.push(await program.line());
      acknowledged.push(...(await program.kill()));

      const store = createSqliteStore({ dataDir: folder.path, sync, executes: true });
      await store.start();
      await using stack = new AsyncDisposableStack();
      stack.defer(() => store.stop(AbortSignal.timeout(10_000)));
      for (const line of acknowledged) {
        const [what, id = ''] = line.split(' ');
        const run = await store.runs.get('t', id);
        expect(run).not.toBeNull();
        if (what === 'finished') expect(run?.status).toBe('completed');
        if (what === 'recorded') expect(await store.journal.steps('t', id)).toHaveLength(1);
      }
      using connection = new DatabaseSync(join(folder.path, databaseFile));
      expect(connection.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
      expect(connection.prepare('pragma foreign_key_check').all()).toEqual([]);
      const halves = connection
        .prepare(
          `select id,
             (select count(*) from session_items where session_items.run_id = runs.id) as items,
             (select count(*) from steps where steps.run_id = runs.id) as steps,
             (select count(*) from events where events.run_id = runs.id) as events,
             (select count(*) from idempotency_keys where idempotency_keys.run_id = runs.id) as keys
           from runs where (status, items, steps, events, keys) not in
             (values ('running', 0, 0, 0, 1), ('running', 0, 1, 2, 1), ('completed', 2, 1, 3, 1))`,
        )
        .all();
      expect(halves).toEqual([]);
    });
  }
});
