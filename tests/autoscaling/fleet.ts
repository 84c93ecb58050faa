import type { Random } from '../support/random.ts';
import type { DeploymentParameters } from './parameters.ts';
import { type Execution, Pod, type Scrape, type Work } from './pod.ts';
import { createRunQueue } from './run-queue.ts';

/** From the decision to add a pod to its being ready, in ms: a node has room, and the image is there. */
const startMs = { least: 5_000, most: 15_000 };
/** How often Prometheus asks each pod, in ms. */
export const scrapePeriodMs = 30_000;

/** What became of runs and pods, counted. */
export type Counts = {
  runs: number;
  refused: number;
  /** Runs that were executed to their end. */
  finished: number;
  podsRemoved: number;
  /** Pods that were removed while they executed runs. */
  busyPodsRemoved: number;
  /** Runs in the background that another pod went on with after a step. */
  handedBack: number;
  /** Runs with a waiting caller that lasted beyond the grace of a removed pod. */
  cut: number;
};

/** Dependencies of a fleet. */
export type FleetDeps = {
  parameters: DeploymentParameters;
  random: Random;
  /** Called when an execution starts and when its end changes; `end` has to be called at its end. */
  schedule(execution: Execution): void;
  /** Called with the time for which a background run waited for its first start. */
  waited(waitedMs: number): void;
};

/**
 * Pods behind a balancer that knows nothing of their slots, and the queue in their store. A run with a waiting caller
 * goes to any pod that is ready, and is refused if that one is full. A run in the background is claimed by any pod that
 * has a free slot for it. A pod that is removed gets no more requests; after its notice it takes nothing from the queue either
 * and hands each run in the background back after the step that is under way, and the others when its grace is over.
 */
export function createFleet({ parameters, random, schedule, waited }: FleetDeps) {
  const { slots, backgroundSlots, noticeMs, graceMs } = parameters;
  const counts: Counts = {
    runs: 0,
    refused: 0,
    finished: 0,
    podsRemoved: 0,
    busyPodsRemoved: 0,
    handedBack: 0,
    cut: 0,
  };
  const queue = createRunQueue();
  let pods: Pod[] = [];
  /** Pods that get requests. */
  let ready: Pod[] = [];
  /** Pods that claim runs from the queue. */
  let claiming: Pod[] = [];
  let leaving: { pod: Pod; removedAtMs: number }[] = [];
  let running = 0;

  const hasFreeSlot = (pod: Pod, work: Work) =>
    pod.executing.size < slots && (work.kind !== 'background' || pod.background < backgroundSlots);

  function begin(pod: Pod, work: Work, nowMs: number): void {
    if (work.kind === 'background' && !work.isResumed) waited(nowMs - work.queuedAtMs);
    running += 1;
    schedule(pod.start(work, nowMs));
  }

  /** A pod takes what waits for as long as it has free slots. */
  function claim(pod: Pod, nowMs: number): void {
    for (let work = queue.next(); work && hasFreeSlot(pod, work); work = queue.next()) {
      queue.take();
      begin(pod, work, nowMs);
    }
  }

  /** All pods are notified of waiting runs; which one is first is random. */
  function claimAnywhere(nowMs: number): void {
    const first = claiming.length > 0 ? random.between(0, claiming.length - 1) : 0;
    for (let offset = 0; offset < claiming.length && queue.size() > 0; offset += 1) {
      claim(claiming[(first + offset) % claiming.length] as Pod, nowMs);
    }
  }

  function queueAgain({ work }: Execution, leftMs: number, nowMs: number): void {
    queue.add({ ...work, queuedAtMs: nowMs, leftMs, isResumed: true });
    claimAnywhere(nowMs);
  }

  function release(execution: Execution, nowMs: number): void {
    execution.pod.end(execution, nowMs);
    running -= 1;
  }

  function add(nowMs: number, delayMs: number): void {
    pods.push(new Pod(nowMs, delayMs, 1_000 * random.between(0, scrapePeriodMs / 1_000 - 1)));
  }

  /** Stops the claims of a pod, and lets each of its background runs end with the step that is under way. */
  function stopClaiming(pod: Pod, nowMs: number): void {
    claiming = claiming.filter((each) => each !== pod);
    for (const execution of pod.executing) {
      const { startedAtMs, endsAtMs, work } = execution;
      const steps = Math.floor((nowMs - startedAtMs) / work.stepMs) + 1;
      const stepEndsAtMs = startedAtMs + steps * work.stepMs;
      // The last step is the end; sums of fractions are not exact.
      if (work.kind !== 'background' || endsAtMs - stepEndsAtMs < 1) continue;
      execution.endsAtMs = stepEndsAtMs;
      execution.leftMs = endsAtMs - stepEndsAtMs;
      schedule(execution);
    }
  }

  /** Removes a pod as a ReplicaSet does: first one that is not ready, then the one that became ready last. */
  function remove(nowMs: number): void {
    const byRemovalOrder = pods.toSorted(
      (one, other) => Number(one.isReady) - Number(other.isReady) || other.readyAtMs - one.readyAtMs,
    );
    const pod = byRemovalOrder[0] as Pod;
    pods = pods.filter((each) => each !== pod);
    ready = ready.filter((each) => each !== pod);
    counts.podsRemoved += 1;
    if (pod.executing.size > 0) counts.busyPodsRemoved += 1;
    if (pod.isReady) leaving.push({ pod, removedAtMs: nowMs });
  }

  /** Runs that are left at the end of the grace go back into the queue. */
  function cut(pod: Pod, nowMs: number): void {
    for (const execution of [...pod.executing]) {
      if (execution.work.kind === 'background') counts.handedBack += 1;
      else counts.cut += 1;
      release(execution, nowMs);
      queueAgain(execution, execution.endsAtMs + execution.leftMs - nowMs, nowMs);
    }
  }

  return {
    counts,
    pods: (): readonly Pod[] => pods,
    readyPods: (): number => ready.length,

    /** Runs queued and running, as the store counts them. */
    inStore: (): Scrape => ({ demand: queue.size() + running, queued: queue.size() }),

    /** How long the first run in the queue has waited, in ms; 0 if there is none. */
    longestWaitMs: (nowMs: number): number => nowMs - (queue.next()?.queuedAtMs ?? nowMs),

    waitsMs: queue.waitsMs,

    /** A run is requested. */
    arrive(work: Work, nowMs: number): void {
      counts.runs += 1;
      if (work.kind === 'background') {
        queue.add(work);
        claimAnywhere(nowMs);
        return;
      }
      const pod = ready.length > 0 ? random.pick(ready) : null;
      if (pod && hasFreeSlot(pod, work)) begin(pod, work, nowMs);
      else counts.refused += 1;
    },

    /** Ends an execution at its time; nothing happens if it has ended, or was rescheduled since. */
    end(execution: Execution, nowMs: number): void {
      const { pod, endsAtMs, leftMs } = execution;
      if (!pod.executing.has(execution) || endsAtMs > nowMs) return;
      release(execution, nowMs);
      if (leftMs > 0) {
        counts.handedBack += 1;
        queueAgain(execution, leftMs, nowMs);
        return;
      }
      counts.finished += 1;
      if (claiming.includes(pod)) claim(pod, nowMs);
    },

    /** Sets the number of pods. `delayMs` is how long new ones take; by default 5 to 15 s. */
    scale(replicas: number, nowMs: number, delayMs?: number): void {
      while (pods.length < replicas) add(nowMs, delayMs ?? random.between(startMs.least, startMs.most));
      while (pods.length > replicas) remove(nowMs);
    },

    /** Marks the pods that have become ready, and ends those whose grace is over. */
    tick(nowMs: number): void {
      for (const pod of pods) {
        if (pod.isReady || pod.readyAtMs > nowMs) continue;
        pod.isReady = true;
        ready.push(pod);
        claiming.push(pod);
        claim(pod, nowMs);
      }
      for (const { pod, removedAtMs } of leaving) {
        if (claiming.includes(pod) && removedAtMs + noticeMs <= nowMs) stopClaiming(pod, nowMs);
        if (removedAtMs + noticeMs + graceMs <= nowMs) cut(pod, nowMs);
      }
      leaving = leaving.filter(({ removedAtMs }) => removedAtMs + noticeMs + graceMs > nowMs);
    },
  };
}

/** The pods of a service. */
export type Fleet = ReturnType<typeof createFleet>;
