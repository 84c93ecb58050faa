import { describe, expect, test } from 'vitest';
import { createRandom } from '../support/random.ts';
import { createFleet } from './fleet.ts';
import type { DeploymentParameters } from './parameters.ts';
import { type Execution, newWork } from './pod.ts';
import type { RunKind } from './work.ts';

const parameters: DeploymentParameters = {
  hpa: {
    minReplicas: 1,
    maxReplicas: 10,
    metrics: [],
    scaleUp: { stabilizationWindowMs: 0, selectPolicy: 'Max', policies: [] },
    scaleDown: { stabilizationWindowMs: 0, selectPolicy: 'Max', policies: [] },
  },
  slots: 5,
  backgroundSlots: 4,
  cpuRequestMillicores: 250,
  noticeMs: 3_000,
  graceMs: 10_000,
  timeoutMs: 30_000,
};

/** A fleet of one pod that is ready, with a clock that is moved by hand. */
function startFleet() {
  const scheduled: { execution: Execution; atMs: number }[] = [];
  const waits: number[] = [];
  const fleet = createFleet({
    parameters,
    random: createRandom(1),
    schedule: (execution) => scheduled.push({ execution, atMs: execution.endsAtMs }),
    waited: (waitedMs) => waits.push(waitedMs),
  });
  let nowMs = 0;
  fleet.scale(1, 0, 0);
  fleet.tick(0);
  return {
    fleet,
    waits,
    ask(kind: RunKind, runMs: number, count = 1): void {
      for (let each = 0; each < count; each += 1) fleet.arrive(newWork(kind, runMs, nowMs, 1), nowMs);
    },
    scale: (replicas: number, delayMs?: number) => fleet.scale(replicas, nowMs, delayMs),
    /** Lets time pass, second by second. */
    pass(forMs: number): void {
      const untilMs = nowMs + forMs;
      while (nowMs < untilMs) {
        nowMs += 1_000;
        for (const { execution, atMs } of [...scheduled]) if (atMs <= nowMs) fleet.end(execution, nowMs);
        fleet.tick(nowMs);
      }
    },
  };
}

describe('a pod', () => {
  test('refuses those who wait when all its slots are taken, and takes them again when one is free', () => {
    const { fleet, ask, pass } = startFleet();
    ask('blocking', 10_000, 6);
    expect(fleet.counts).toMatchObject({ runs: 6, refused: 1 });
    pass(10_000);
    ask('blocking', 10_000);
    expect(fleet.counts).toMatchObject({ runs: 7, refused: 1, finished: 5 });
  });

  test('leaves a share of its slots to those who wait; runs in the background queue for theirs, oldest first', () => {
    const { fleet, ask, pass, waits } = startFleet();
    ask('background', 10_000, 6);
    expect(fleet.inStore()).toEqual({ demand: 6, queued: 2 });
    ask('blocking', 5_000);
    expect(fleet.counts.refused).toBe(0);
    pass(10_000);
    expect(fleet.inStore()).toEqual({ demand: 2, queued: 0 });
    expect(waits).toEqual([0, 0, 0, 0, 10_000, 10_000]);
  });

  test('serves once it is ready, and takes from the queue at once then', () => {
    const { fleet, ask, pass, scale } = startFleet();
    ask('background', 100_000, 8);
    scale(2, 5_000);
    pass(4_000);
    expect([fleet.readyPods(), fleet.inStore().queued]).toEqual([1, 4]);
    pass(1_000);
    expect([fleet.readyPods(), fleet.inStore().queued]).toEqual([2, 0]);
  });
});

describe('a pod that is removed', () => {
  test('ends the runs with a waiting caller, and hands background runs back after their step', () => {
    const { fleet, ask, pass, scale } = startFleet();
    ask('background', 100_000, 2);
    ask('blocking', 8_000, 2);
    scale(0);
    expect(fleet.counts).toMatchObject({ podsRemoved: 1, busyPodsRemoved: 1 });
    pass(10_000);
    expect(fleet.counts).toMatchObject({ finished: 2, handedBack: 2, cut: 0 });
    expect(fleet.inStore()).toEqual({ demand: 2, queued: 2 });
    scale(1, 0);
    pass(91_000);
    expect(fleet.counts.finished).toBe(4);
  });

  test('cuts at the end of its grace what is not done; it goes on in another pod', () => {
    const { fleet, ask, pass, scale } = startFleet();
    ask('blocking', 20_000, 2);
    scale(0);
    pass(12_000);
    expect(fleet.counts.cut).toBe(0);
    pass(1_000);
    expect(fleet.counts).toMatchObject({ cut: 2, finished: 0 });
    expect(fleet.inStore()).toEqual({ demand: 2, queued: 2 });
    scale(1, 0);
    pass(8_000);
    expect(fleet.counts.finished).toBe(2);
  });

  test('gets no requests, but takes from the queue until its notice is over', () => {
    const { fleet, ask, pass, scale } = startFleet();
    scale(0);
    ask('blocking', 5_000);
    expect(fleet.counts.refused).toBe(1);
    ask('background', 50_000);
    expect(fleet.inStore()).toEqual({ demand: 1, queued: 0 });
    pass(3_000);
    ask('background', 50_000);
    expect(fleet.inStore()).toEqual({ demand: 2, queued: 1 });
  });

  test('is the youngest, and one that is not ready before any other', () => {
    const { fleet, ask, pass, scale } = startFleet();
    ask('blocking', 60_000, 5);
    scale(2, 1_000);
    pass(1_000);
    scale(3, 60_000);
    scale(2);
    expect(fleet.readyPods()).toBe(2);
    scale(1);
    expect(fleet.counts).toMatchObject({ podsRemoved: 2, busyPodsRemoved: 0 });
  });
});
