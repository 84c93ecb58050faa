import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { ProcessInfo, Store } from '../storage/port/index.ts';
import type { ActiveRuns } from './active-run.ts';
import { RunStopped } from './failures.ts';
import type { RunMetrics } from './metrics.ts';

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
  /** Throws if others may have taken the process for dead. */
  assertHeld(): void;
};

/**
 * Keeps this process's lease and takes back the runs of processes that lost theirs. The process counts its own lease
 * from the moment at which the last heartbeat that arrived was sent, and gives its runs up before the lease is over:
 * those who would take them over may trust the lease.
 */
export function createProcessLease(deps: ProcessLeaseDeps): Lease {
  const { store, info, newId, leaseMs, active, metrics, clock, log } = deps;
  const stopping = new AbortController();
  const beatMs = Math.min(leaseMs / beatsPerLease, beatMsMax);
  let id = newId();
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  const underWay = new Map<() => Promise<void>, Promise<void>>();
  let ticking: Promise<void> = Promise.resolve();
  let unsubscribe = () => {};
  let gaveUp = false;

  async function register(): Promise<void> {
    const sentMs = clock.monotonicMs();
    await store.processes.register({ id, ...info }, leaseMs);
    heldUntilMs = sentMs + leaseMs;
  }

  /** Gives up what others may have taken over, and goes on as a new process: the old one's runs are orphans. */
  async function startOver(): Promise<void> {
    metrics.leaseLost();
    active.stopAll('lease_lost');
    id = newId();
    await register();
  }

  async function beat(): Promise<void> {
    if (gaveUp) {
      // The old lease may hold still; runs that were given up must not wait for it to end.
      await store.processes.unregister(id);
      gaveUp = false;
      return startOver();
    }
    const sentMs = clock.monotonicMs();
    if (await store.processes.heartbeat(id, leaseMs)) heldUntilMs = sentMs + leaseMs;
    else {
      log.error({ processId: id }, 'this process was taken for dead; its runs are given up');
      await startOver();
    }
    begin(recover, 'the runs of dead processes could not be looked for');
    begin(obeyCancels, 'cancelled runs could not be looked for');
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

  async function obeyCancels(): Promise<void> {
    if (active.size() === 0) return;
    for (const runId of await store.runs.cancelRequested(id)) active.get(runId)?.stop('cancelled');
  }

  function giveUpBeforeTheEnd(): void {
    if (clock.monotonicMs() + beatMs < heldUntilMs || active.size() === 0) return;
    log.error({ processId: id }, 'the lease cannot be extended; runs are given up before it ends');
    active.stopAll('lease_lost');
    gaveUp = true;
  }

  /** Begins a piece of work unless it is under way: a store that does not answer is asked once. */
  function begin(work: () => Promise<void>, failure: string): void {
    if (underWay.has(work)) return;
    const flight = work()
      .catch((error: unknown) => log.warn({ err: error, code: codeOf(error) }, failure))
      .finally(() => underWay.delete(work));
    underWay.set(work, flight);
  }

  /** Waits for no answer: whether there was one in time is looked at with the next tick. */
  async function tick(): Promise<void> {
    for (;;) {
      await clock.sleep(beatMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      giveUpBeforeTheEnd();
      begin(beat, 'the heartbeat failed');
    }
  }

  async function leave(): Promise<void> {
    await Promise.all(underWay.values());
    await store.processes.unregister(id);
  }

  return {
    name: 'process lease',
    processId: () => id,
    assertHeld() {
      if (clock.monotonicMs() >= heldUntilMs) throw new RunStopped('lease_lost');
    },
    async start() {
      await register();
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
