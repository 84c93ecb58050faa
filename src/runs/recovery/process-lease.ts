import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ProcessInfo, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { RunMetrics } from '../metrics.ts';
import { createRunReconciler } from './run-reconciler.ts';

/** Beats a lease; orphans are looked for as often, but at least once a second. */
const beatsPerLease = 4;
const beatMsMax = 1_000;
/** Orphans that are taken back in one statement. */
const orphansMax = 100;
/** Dead processes are remembered for a day, for those who look into what happened. */
const forgetAfterMs = 24 * 3_600_000;

/** Whose lease is kept, and whose runs depend on it. */
export type ProcessLeaseDeps = {
  store: Store;
  /** The process as it announces itself; it gets a new id whenever it was taken for dead. */
  info: Omit<ProcessInfo, 'id'>;
  newId: () => string;
  leaseMs: number;
  active: ActiveRuns;
  metrics: Pick<RunMetrics, 'recovered' | 'leaseLost'>;
  clock: Clock;
  log: Logger;
};

const poison = {
  code: 'poisoned',
  detail: 'Three processes died while they executed this run, without a new step between.',
  retryable: false,
};

/** This process's right to execute runs. */
export type Lease = Service & {
  /** Under which id the process owns runs at the moment. */
  processId(): string;
  /** Tells others that this process claims no more runs; resolves when they know, or cannot be told. */
  stopClaiming(): Promise<void>;
  /** Whether nobody can have taken the process for dead: it may begin something. */
  isHeld(): boolean;
};

/**
 * Keeps this process's lease, looks after its runs, and takes back those of processes that lost their lease. The process
 * counts its own from the moment at which the last heartbeat that arrived was sent, and gives its runs up before it is
 * over: those who would take them over may trust it. If the store extends it after all, nobody has.
 */
export function createProcessLease(deps: ProcessLeaseDeps): Lease {
  const { store, info, newId, leaseMs, active, metrics, clock, log } = deps;
  const stopping = new AbortController();
  const beatMs = Math.min(leaseMs / beatsPerLease, beatMsMax);
  const lookAfterOwn = createRunReconciler({ store, active, log });
  let id = newId();
  let successor = newId();
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let takenForDead = false;
  const underWay = new Map<() => Promise<void>, Promise<void>>();
  let ticking: Promise<void> = Promise.resolve();
  let unsubscribe = () => {};
  let gaveUp = false;
  let overdue = false;

  async function register(asId: string): Promise<void> {
    const sentMs = clock.monotonicMs();
    await store.processes.register({ id: asId, ...info }, leaseMs);
    heldUntilMs = sentMs + leaseMs;
  }

  async function extend(): Promise<void> {
    const sentMs = clock.monotonicMs();
    takenForDead = !(await store.processes.heartbeat(id, leaseMs));
    if (!takenForDead) {
      heldUntilMs = sentMs + leaseMs;
      gaveUp = false;
      return;
    }
    log.error({ processId: id }, 'this process was taken for dead; its runs are given up');
    giveUp();
  }

  /** Goes on as a new process; the runs of the old one are orphans, if they are not others' already. */
  async function startOver(): Promise<void> {
    await register(successor);
    const before = id;
    id = successor;
    successor = newId();
    takenForDead = false;
    gaveUp = false;
    await store.processes.unregister(before);
  }

  async function beat(): Promise<void> {
    if (!takenForDead) await extend();
    if (takenForDead) await startOver();
    begin(recover, 'the runs of dead processes could not be looked for');
    begin(lookAfter, 'the runs of this process could not be looked for');
  }

  function giveUp(): void {
    if (!gaveUp) metrics.leaseLost();
    gaveUp = true;
    heldUntilMs = Number.NEGATIVE_INFINITY;
    active.stopAll('lease_lost');
  }

  async function recover(): Promise<void> {
    const { requeued, poisoned } = await store.runs.recoverOrphans(poison, orphansMax);
    metrics.recovered(requeued.length, poisoned.length);
    for (const { id: runId, crashes } of requeued) {
      log.warn({ runId, crashes }, 'the run of a dead process is queued again');
    }
    for (const { id: runId, crashes } of poisoned)
      log.error({ runId, crashes }, 'a run that kills processes was ended');
    await store.processes.forgetDead(forgetAfterMs);
  }

  const lookAfter = () => lookAfterOwn(id);

  function giveUpBeforeTheEnd(): void {
    if (gaveUp || clock.monotonicMs() + beatMs < heldUntilMs || active.size() === 0) return;
    log.error({ processId: id }, 'the lease cannot be extended; runs are given up before it ends');
    giveUp();
  }

  /** Begins a piece of work unless it is under way: a store that does not answer is asked once. */
  function begin(work: () => Promise<void>, failure: string, then = () => {}): void {
    if (underWay.has(work)) return;
    const flight = work()
      .catch((error: unknown) => log.warn({ err: error, code: codeOf(error) }, failure))
      .finally(() => {
        underWay.delete(work);
        then();
      });
    underWay.set(work, flight);
  }

  /** Sends a heartbeat; if the one before is under way, as soon as that is answered. */
  function beginBeat(): void {
    overdue = underWay.has(beat);
    if (!overdue) begin(beat, 'the heartbeat failed', () => overdue && !stopping.signal.aborted && beginBeat());
  }

  /** Waits for no answer: whether there was one in time is looked at with the next tick. */
  async function tick(): Promise<void> {
    for (;;) {
      await clock.sleep(beatMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      giveUpBeforeTheEnd();
      beginBeat();
    }
  }

  async function leave(): Promise<void> {
    await Promise.all(underWay.values());
    await store.processes.unregister(id);
  }

  return {
    name: 'process lease',
    processId: () => id,
    stopClaiming: () =>
      store.processes
        .stopClaiming(id)
        .catch((error: unknown) => log.warn({ err: error }, 'others could not be told that this process stops')),
    isHeld: () => clock.monotonicMs() < heldUntilMs,
    async start() {
      await register(id);
      await recover();
      unsubscribe = store.signals.subscribe((signal) => {
        if (signal.type === 'cancel') active.get(signal.runId)?.stop('cancelled');
      });
      ticking = tick();
    },
    async stop(deadline) {
      if (stopping.signal.aborted) return;
      stopping.abort();
      unsubscribe();
      await ticking;
      await Promise.race([leave(), aborted(deadline)]);
    },
  };
}

const codeOf = (error: unknown) => (error instanceof ServiceError ? error.code : undefined);

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
