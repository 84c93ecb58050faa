import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ClaimedRun, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { Admission } from '../admission/admission.ts';
import type { Slots } from '../admission/slots.ts';
import type { RunMetrics } from '../metrics.ts';
import type { Lease } from './process-lease.ts';
import { createStoreClaim, type StoreClaimDeps } from './store-claim.ts';

/** How often the queue is polled if no signal comes, in ms. */
const pollMs = 1_000;
/** Runs claimed in one statement. */
const claimMax = 10;
/** The share of the slots that background runs may use in a process that executes other runs too. */
export const backgroundShare = 0.8;
/** That share by role: an `api` process leaves background runs to others, and no caller waits for runs of a `worker`. */
const backgroundShares = { api: 0, all: backgroundShare, worker: 1 } as const;

const noEntries = { steps: [], events: [] };

/** Dependencies of the claimer. */
export type ClaimerDeps = StoreClaimDeps & {
  store: Store;
  slots: Slots;
  admission: Pick<Admission, 'waitForStore'>;
  active: ActiveRuns;
  lease: Pick<Lease, 'processId' | 'isHeld'>;
  /** The role of the process; see `PROCESS_ROLE`. */
  role: keyof typeof backgroundShares;
  /** Executes a claimed run; the slot acquired for it is released when the attempt ends. */
  execute(claimed: ClaimedRun): void;
  metrics: Pick<RunMetrics, 'claimed'>;
  clock: Clock;
  log: Logger;
};

/** Claims queued runs while this process has free slots: at signals of the store, and by polling. */
export function createClaimer(deps: ClaimerDeps): Service {
  const { store, slots, admission, active, lease, role, clock } = deps;
  const backgroundMax = role === 'api' ? 0 : Math.max(1, Math.floor(slots.max * backgroundShares[role]));
  const queue = createStoreClaim(deps, { takesBackground: role !== 'api' });
  const stopping = new AbortController();
  let claiming: Promise<void> = Promise.resolve();
  let wake = () => {};
  let unsubscribe = () => {};

  /** Claims as many runs as slots are free. Callers that arrive meanwhile go first: a run without a slot is handed back. */
  async function claimForFreeSlots(): Promise<boolean> {
    const limit = Math.min(claimMax, slots.max - slots.used());
    queue.assumeLeftRuns();
    if (limit === 0 || !lease.isHeld()) return false;
    const claimed = await queue.claim(limit, Math.max(0, backgroundMax - active.background()));
    for (const each of claimed) await executeOrHandBack(deps, each);
    return claimed.length === limit;
  }

  // While callers wait in the admission queue, each slot that a run releases goes to the next of that queue, so that no
  // slot is ever free. Queued runs with a waiting caller (in the store) take part in the queue as one flow, and get a slot
  // when it is that flow's turn; background runs get none.
  async function claimInFairOrder(): Promise<boolean> {
    const slot = lease.isHeld() ? admission.waitForStore(stopping.signal) : null;
    if (slot === null) return false;
    try {
      await slot;
    } catch {
      return false; // the process stops
    }
    return active.expect(async () => {
      const [claimed] = lease.isHeld() ? await queue.claim(1, 0) : [];
      if (role !== 'api') queue.assumeLeftRuns(); // the claim did not cover background runs
      return executeOrRelease(deps, claimed);
    });
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      if ((await active.expect(claimForFreeSlots)) || (await claimInFairOrder())) continue;
      await clock.sleep(pollMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'claimer',
    async start() {
      unsubscribe = store.signals.subscribe(({ type }) => type === 'claimable' && wake());
      slots.onRelease(() => queue.hasLeftRuns() && wake());
      claiming = loop();
    },
    async stop() {
      stopping.abort();
      unsubscribe();
      await claiming;
    },
  };
}

/** Executes a run in the slot that is held for it, or releases the slot if there is no run. Returns which of them. */
function executeOrRelease({ slots, metrics, execute }: ClaimerDeps, claimed: ClaimedRun | undefined): boolean {
  if (claimed === undefined) {
    slots.release();
    return false;
  }
  metrics.claimed();
  execute(claimed);
  return true;
}

/** Executes a run if a slot is free for it; else hands it back to the queue. */
async function executeOrHandBack(
  { store, slots, metrics, execute, log }: ClaimerDeps,
  claimed: ClaimedRun,
): Promise<void> {
  metrics.claimed();
  if (slots.tryAcquire()) return execute(claimed);
  const { tenantId, id, attempt } = claimed.run;
  await store.runs
    .handBack(tenantId, id, attempt, noEntries)
    .catch((error: unknown) => log.warn({ runId: id, err: error }, 'a claimed run could not be handed back yet'));
}
