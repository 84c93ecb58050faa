import { expect, test } from 'vitest';
import { newRun } from '../../../tests/support/execute-run.ts';
import type { Step, StoredEvent } from '../../storage/port/index.ts';
import { consecutiveWaits, createOutageWait, outageWaitMs } from './outage-wait.ts';

const resumed = (atMs: number): StoredEvent => ({ seq: 2, type: 'run.resumed', attempt: 2, atMs, data: {} });
const step = (startedAtMs: number) => ({ status: 'completed', startedAtMs, durationMs: 10 }) as Step;

test('a run waits as long as the provider says, at least a second, twice as long each time, and at most a minute', () => {
  expect([0, 1, 2, 10].map((waits) => outageWaitMs(0, waits))).toEqual([1_000, 2_000, 4_000, 60_000]);
  expect(outageWaitMs(7_000, 0)).toBe(7_000);
  expect(outageWaitMs(3_600_000, 0)).toBe(60_000);
});

test('waits are counted from the last completed step', () => {
  expect(consecutiveWaits([], [resumed(1), resumed(2)])).toBe(2);
  expect(consecutiveWaits([step(100)], [resumed(1), resumed(200)])).toBe(1);
});

test('a run waits for the end of an outage without limit, and for a usable answer a few times', () => {
  const often = { steps: [], events: [resumed(1), resumed(2), resumed(3)] };
  const outage = createOutageWait(newRun('background'), often);
  outage.callFailed(500, false);
  expect(outage.waitMs()).toBeNull();
  outage.callFailed(500, true);
  expect(outage.waitMs()).toBe(8_000);
});

test('only a background run goes back to the queue', () => {
  const nothing = { steps: [], events: [] };
  for (const [mode, waitMs] of [
    ['background', 1_000],
    ['blocking', null],
    ['stream', null],
  ] as const) {
    const outage = createOutageWait(newRun(mode), nothing);
    expect(outage.waitMs()).toBeNull();
    outage.callFailed(500, true);
    expect(outage.waitMs()).toBe(waitMs);
  }
});
