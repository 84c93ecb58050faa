import type { ObservedPod } from './hpa/replicas.ts';
import { assumptions, type RunKind, runCpuMs } from './work.ts';

/** A run, or what is left of one, that is executed or waits for it. Times are in ms. */
export type Work = {
  kind: RunKind;
  /** Since when it waits. */
  queuedAtMs: number;
  leftMs: number;
  /** How long a step takes: the time between two places at which it can be handed back. */
  stepMs: number;
  /** CPU while it is executed, in thousandths of a core. */
  millicores: number;
  /** Whether it has been executed before. */
  isResumed: boolean;
};

/** The execution of a run in a pod. */
export type Execution = {
  work: Work;
  pod: Pod;
  startedAtMs: number;
  endsAtMs: number;
  /** What is left of the run then, in ms: it is handed back. */
  leftMs: number;
};

/** The metrics that Prometheus scraped from a pod: they are of the whole store, and the same in each pod. */
export type Scrape = { demand: number; queued: number };

/** A run that begins; it takes `cpuFactor` times the measured CPU. */
export function newWork(kind: RunKind, runMs: number, queuedAtMs: number, cpuFactor: number): Work {
  return {
    kind,
    queuedAtMs,
    leftMs: runMs,
    stepMs: runMs / assumptions.mix[kind].modelCalls,
    millicores: (cpuFactor * 1000 * runCpuMs[kind]) / runMs,
    isResumed: false,
  };
}

/** A pod: a process with slots. */
export class Pod {
  readonly startedAtMs: number;
  readonly readyAtMs: number;
  /** When in its period it is scraped, in ms. */
  readonly scrapeOffsetMs: number;
  isReady = false;
  readonly executing = new Set<Execution>();
  background = 0;
  scrape: Scrape | null = null;
  private millicores = assumptions.idleMillicores;
  private usedCoreMs = 0;
  private countedAtMs: number;
  private lookedAt: { atMs: number; usedCoreMs: number } | null = null;
  private cpu: ObservedPod['cpu'] = null;

  constructor(startedAtMs: number, startMs: number, scrapeOffsetMs: number) {
    this.startedAtMs = startedAtMs;
    this.countedAtMs = startedAtMs;
    this.readyAtMs = startedAtMs + startMs;
    this.scrapeOffsetMs = scrapeOffsetMs;
  }

  /** Executes; returns when it will be done. */
  start(work: Work, nowMs: number): Execution {
    const execution = { work, pod: this, startedAtMs: nowMs, endsAtMs: nowMs + work.leftMs, leftMs: 0 };
    this.executing.add(execution);
    if (work.kind === 'background') this.background += 1;
    this.count(nowMs);
    this.millicores += work.millicores;
    return execution;
  }

  /** Gives the slot back. */
  end(execution: Execution, nowMs: number): void {
    this.executing.delete(execution);
    if (execution.work.kind === 'background') this.background -= 1;
    this.count(nowMs);
    this.millicores -= execution.work.millicores;
  }

  /** What the metrics server does: the use since it last looked. */
  measureCpu(nowMs: number): void {
    this.count(nowMs);
    const { lookedAt, usedCoreMs } = this;
    this.lookedAt = { atMs: nowMs, usedCoreMs };
    if (lookedAt === null) return;
    const windowMs = nowMs - lookedAt.atMs;
    this.cpu = { usedMillicores: (usedCoreMs - lookedAt.usedCoreMs) / windowMs, takenAtMs: nowMs, windowMs };
  }

  /** As the autoscaler sees it. */
  observed(cpuRequestMillicores: number): ObservedPod {
    return {
      phase: 'Running',
      isTerminating: false,
      isReady: this.isReady,
      startedAtMs: this.startedAtMs,
      readinessChangedAtMs: this.isReady ? this.readyAtMs : this.startedAtMs,
      cpuRequestMillicores,
      cpu: this.cpu,
    };
  }

  private count(nowMs: number): void {
    this.usedCoreMs += this.millicores * (nowMs - this.countedAtMs);
    this.countedAtMs = nowMs;
  }
}
