import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { ProcessInfo, Store } from '../storage/port/index.ts';
import type { ActiveRuns } from './active-run.ts';

/** Heartbeats a lease, the last of which is not waited for; the reaper looks as often. */
const beatsPerLease = 4;
/** Orphans that are ended in one statement. */
const orphansMax = 100;
/** Dead processes are remembered for a day, for those who look into what happened. */
const forgetAfterMs = 24 * 3_600_000;

/** Whose lease is kept, and whose runs depend on it. */
export type ProcessLeaseDeps = {
  store: Store;
  info: ProcessInfo;
  leaseMs: number;
  active: ActiveRuns;
  clock: Clock;
  log: Logger;
};

/**
 * Keeps this process's lease and ends the runs of processes that lost theirs. The process counts its own lease from
 * the moment at which the last heartbeat that arrived was sent, and gives its runs up before the lease is over: those
 * who would take them over may trust the lease.
 */
export function createProcessLease({ store, info, leaseMs, active, clock, log }: ProcessLeaseDeps): Service {
  const stopping = new AbortController();
  const beatMs = leaseMs / beatsPerLease;
  const underWay = new Map<() => Promise<void>, Promise<void>>();
  let heldUntilMs = 0;
  let ticking: Promise<void> = Promise.resolve();

  async function register(): Promise<void> {
    const sentMs = clock.monotonicMs();
    await store.processes.register(info, leaseMs);
    heldUntilMs = sentMs + leaseMs;
  }

  async function beat(): Promise<void> {
    const sentMs = clock.monotonicMs();
    if (await store.processes.heartbeat(info.id, leaseMs)) heldUntilMs = sentMs + leaseMs;
    else {
      log.error({ processId: info.id }, 'this process was taken for dead; its runs are given up');
      active.stopAll('lease_lost');
      await register();
    }
    begin(reap, 'the runs of dead processes could not be looked for');
  }

  async function reap(): Promise<void> {
    const detail = 'The process that executed this run died.';
    const orphans = await store.runs.failOrphans({ code: 'internal', detail, retryable: true }, orphansMax);
    for (const run of orphans)
      log.error({ runId: run.id, sessionId: run.sessionId }, 'the run of a dead process was ended');
    await store.processes.forgetDead(forgetAfterMs);
  }

  function giveUpBeforeTheEnd(): void {
    if (clock.monotonicMs() + beatMs < heldUntilMs || active.size() === 0) return;
    log.error({ processId: info.id }, 'the lease cannot be extended; runs are given up before it ends');
    active.stopAll('lease_lost');
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
    await store.processes.unregister(info.id);
  }

  return {
    name: 'process lease',
    async start() {
      await register();
      await reap();
      ticking = tick();
    },
    async stop(deadline) {
      if (stopping.signal.aborted) return;
      stopping.abort();
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
