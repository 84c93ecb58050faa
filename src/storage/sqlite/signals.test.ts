import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { newEvent, start, tenant } from '../contract/fixture.contract.ts';
import type { Signal } from '../port/index.ts';
import { createSqliteStore, databaseFile } from './index.ts';
import { createSignalHub } from './signals.ts';

const claimable: Signal = { type: 'claimable' };

describe('signals in a process', () => {
  test('reach every listener, in order, also one that subscribed twice', () => {
    const hub = createSignalHub();
    const heard: Signal[] = [];
    const listener = (signal: Signal) => void heard.push(signal);
    const stops = [hub.subscribe(listener), hub.subscribe(listener)];
    hub.emit(claimable);
    stops[0]?.();
    hub.emit({ type: 'cancel', runId: 'run_1' });
    stops[1]?.();
    hub.emit(claimable);
    expect(heard).toEqual([claimable, claimable, { type: 'cancel', runId: 'run_1' }]);
  });

  test('log a listener that fails', () => {
    const lines: unknown[] = [];
    const hub = createSignalHub({ error: (...line: unknown[]) => void lines.push(line) });
    const failure = new Error('no');
    hub.subscribe(() => {
      throw failure;
    });
    hub.emit(claimable);
    expect(lines).toEqual([[{ signal: 'claimable', err: failure }, 'a listener for signals of the store failed']]);
  });

  test('a listener may unsubscribe another while it is called', () => {
    const hub = createSignalHub();
    const stops: (() => void)[] = [];
    let told = 0;
    for (let n = 0; n < 2; n += 1) {
      const stop = hub.subscribe(() => {
        told += 1;
        for (const each of stops) each();
      });
      stops.push(stop);
    }
    hub.emit(claimable);
    hub.emit(claimable);
    expect(told).toBe(2);
  });

  test('come after the commit: another connection reads what they announce', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
    const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
    await store.start();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(dataDir, { recursive: true }));
    stack.defer(() => store.stop(AbortSignal.timeout(10_000)));
    const run = await start(store);
    const seen: unknown[] = [];
    store.signals.subscribe(() => {
      using connection = new DatabaseSync(join(dataDir, databaseFile), { readOnly: true });
      seen.push(connection.prepare('select seq from events').all());
    });
    await store.journal.append(tenant, run.id, 1, { steps: [], events: [newEvent(2)] });
    expect(seen).toEqual([[{ seq: 2 }]]);
  });
});
