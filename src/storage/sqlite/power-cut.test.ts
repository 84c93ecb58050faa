import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { journalOf, live, newEvent, newStep, owner, start, tenant } from '../contract/fixture.contract.ts';
import type { Run, Store, StoredEvent } from '../port/index.ts';
import { createSqliteStore } from './index.ts';
import { readBootId } from './power-cut.ts';

/** Folders for the data of one machine, and for what its disk has at the power cut. */
function createFolders() {
  const path = mkdtempSync(join(tmpdir(), 'agent-service-power-cut-'));
  return {
    data: join(path, 'data'),
    disk: join(path, 'disk'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

async function openStore(dataDir: string, bootId: string | null) {
  const store = createSqliteStore({ dataDir, sync: 'full', executes: true, bootId });
  await store.start();
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.stop(AbortSignal.timeout(10_000)) });
}

const started = newEvent(2, { type: 'run.started', data: { agent: 'triage' } });
const textOf = (seq: number, step: number) => newEvent(seq, { data: { step, delta: 'It left ' } });
const poison = { code: 'poisoned', detail: 'It crashed.', retryable: false };

/** A run that was streamed, with `recorded` in its journal; then its viewers were shown `shown`, and the power was cut. */
async function cutPower(
  { data, disk }: { data: string; disk: string },
  mode: Run['mode'],
  recorded: StoredEvent[],
  shown: StoredEvent,
): Promise<Run> {
  await using store = await openStore(data, 'first');
  await live(store, owner);
  const run = await start(store, { mode });
  const steps = recorded.some(({ type }) => type === 'tool.completed') ? [newStep(1), newStep(2, { key: 't:1' })] : [];
  expect(await store.journal.append(tenant, run.id, 1, { steps, events: recorded })).toBe(true);
  cpSync(data, disk, { recursive: true });
  expect(await store.journal.append(tenant, run.id, 1, { steps: [], events: [shown] }, true)).toBe(true);
  return run;
}

/** What somebody is told of a run who has seen all up to a number. */
const after = (store: Store, { id }: Run, seq: number) => store.journal.events(tenant, id, seq, 100);

test('a text that was shown and lost to a power cut is withdrawn from the clients that saw it', async () => {
  using folders = createFolders();
  const shown = textOf(3, 1);
  const run = await cutPower(folders, 'stream', [started], shown);
  await using store = await openStore(folders.disk, 'second');
  expect((await journalOf(store, run)).events).toMatchObject([started, { seq: 3 }, { seq: 4 }]);
  expect(await after(store, run, shown.seq)).toMatchObject([
    { seq: 4, type: 'text.reset', attempt: 1, data: { step: 1, reason: 'recovery' } },
  ]);
});

test('it is that of the step after the last one that was recorded', async () => {
  using folders = createFolders();
  const told = newEvent(3, { type: 'tool.completed', data: { step: 2 } });
  const shown = textOf(4, 3);
  const run = await cutPower(folders, 'stream', [started, told], shown);
  await using store = await openStore(folders.disk, 'second');
  expect(await after(store, run, shown.seq)).toMatchObject([{ seq: 5, type: 'text.reset', data: { step: 3 } }]);
});

test('events of the run after the power cut have numbers that no client has seen', async () => {
  using folders = createFolders();
  const shown = textOf(3, 1);
  const run = await cutPower(folders, 'stream', [started], shown);
  await using store = await openStore(folders.disk, 'second');
  await store.runs.recoverOrphans(poison, 10);
  await store.runs.requestCancel(tenant, run.id, { code: 'cancelled', detail: 'It was cancelled.', retryable: false });
  expect((await after(store, run, shown.seq)).map(({ seq, type }) => [seq, type])).toEqual([
    [4, 'text.reset'],
    [5, 'run.cancelled'],
  ]);
});

test('a restart that may have been a power cut is handled as one', async () => {
  using folders = createFolders();
  const run = await cutPower(folders, 'stream', [started], textOf(3, 1));
  await using store = await openStore(folders.disk, null);
  expect(await after(store, run, 3)).toHaveLength(1);
});

test('a process that was killed has lost nothing: its runs have what they had', async () => {
  using folders = createFolders();
  const run = await cutPower(folders, 'stream', [started], textOf(3, 1));
  await using store = await openStore(folders.data, 'first');
  expect((await journalOf(store, run)).events).toEqual([started, textOf(3, 1)]);
});

test('runs whose text was not shown early are not changed', async () => {
  using folders = createFolders();
  const run = await cutPower(folders, 'blocking', [started], textOf(3, 1));
  await using store = await openStore(folders.disk, 'second');
  expect((await journalOf(store, run)).events).toEqual([started]);
});

// Elsewhere the kernel does not say which life it lives.
test.runIf(process.platform === 'linux')('the kernel says which life it lives, and says the same again', () => {
  expect(readBootId()).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  expect(readBootId()).toBe(readBootId());
});
