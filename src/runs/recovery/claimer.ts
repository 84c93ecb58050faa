import type { Clock } from '../../platform/clock.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ClaimedRun, ClaimOptions, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { Admission } from '../admission/admission.ts';
import type { Slots } from '../admission/slots.ts';
import type { RunMetrics } from '../metrics.ts';
import type { Lease } from './process-lease.ts';

/** How often the queue is looked at, for want of a signal, in ms. */
const lookAgainMs = 1_000;
/** Runs claimed in one statement. */
const claimMax = 10;
/** The share of the slots that runs in the background may take where others are executed too. */
export const backgroundShare = 0.8;
/** That share by role: an `api` process leaves them to others, and nobody awaits what a `worker` executes. */
const backgroundShares = { api: 0, all: backgroundShare, worker: 1 } as const;

/** What claiming stands on. */
export type ClaimerDeps = {
  store: Store;
  slots: Slots;
  admission: Pick<Admission, 'waitForStore'>;
  active: ActiveRuns;
  lease: Pick<Lease, 'processId' | 'isHeld'>;
  /** What the process is for; see `PROCESS_ROLE`. */
  role: keyof typeof backgroundShares;
  /** Which runs are for this process; see `ClaimOptions`. */
  affinity: Pick<ClaimOptions, 'agents' | 'version'>;
  /** Carries out a claimed run; the slot taken for it is given back when it ends. */
  execute(claimed: ClaimedRun): void;
  metrics: Pick<RunMetrics, 'claimed'>;
  clock: Clock;
  log: Logger;
};

/** Claims queued runs whenever this process has room, woken by signals, and looks by itself every now and then. */
export function createClaimer(deps: ClaimerDeps): Service {
  const { store, slots, admission, active, lease, role, affinity, execute, metrics, clock, log } = deps;
  const stopping = new AbortController();
  const takesBackground = role !== 'api';
  const backgroundMax = takesBackground ? Math.max(1, Math.floor(slots.max * backgroundShares[role])) : 0;
  let claiming: Promise<void> = Promise.resolve();
  let wake = () => {};
  let unsubscribe = () => {};
  /** Whether the last look may have left runs behind for want of room: only then a place given back is worth another. */
  let leftBehind = true;

  /** Claims as many as there are places. Callers who come meanwhile go first: a run they left no place for goes back. */
  async function claim(): Promise<boolean> {
    const room = Math.min(claimMax, slots.max - slots.used());
    leftBehind = true;
    if (room === 0 || !lease.isHeld()) return false;
    const claimed = await look(room, Math.max(0, backgroundMax - active.background()));
    for (const each of claimed) await take(each);
    return claimed.length === room;
  }

  async function look(limit: number, backgroundRoom: number): Promise<ClaimedRun[]> {
    const options = {
      limit,
      backgroundMax: backgroundRoom,
      // One that brought a process down before is alone with its kind, so that only the culprit collects crashes.
      crashed: !active.hasCrashed(),
      ...affinity,
    };
    try {
      const claimed = await store.runs.claim(lease.processId(), options);
      leftBehind = isLimited(options, claimed, takesBackground);
      return claimed;
    } catch (error) {
      log.warn({ err: error }, 'claiming runs failed');
      return [];
    }
  }

  /**
   * Claims one run, for which somebody waits, in a place that was passed on in turn with the callers in line: as long as
   * these come, no place is free, and runs in the background are not for now.
   */
  async function claimInTurn(): Promise<boolean> {
    const turn = lease.isHeld() ? admission.waitForStore(stopping.signal) : null;
    if (turn === null) return false;
    try {
      await turn;
    } catch {
      return false; // the process ends
    }
    return active.expect(async () => {
      const [claimed] = lease.isHeld() ? await look(1, 0) : [];
      leftBehind ||= takesBackground; // nobody has looked at those in the background
      if (claimed === undefined) {
        slots.release();
        return false;
      }
      metrics.claimed();
      execute(claimed);
      return true;
    });
  }

  async function take(claimed: ClaimedRun): Promise<void> {
    metrics.claimed();
    if (slots.tryAcquire()) return execute(claimed);
    const { tenantId, id, attempt } = claimed.run;
    await store.runs
      .handBack(tenantId, id, attempt, { steps: [], events: [] })
      .catch((error: unknown) => log.warn({ runId: id, err: error }, 'a claimed run could not be handed back yet'));
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      if ((await active.expect(claim)) || (await claimInTurn())) continue;
      await clock.sleep(lookAgainMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'claimer',
    async start() {
      unsubscribe = store.signals.subscribe(({ type }) => {
        if (type === 'claimable') wake();
      });
      slots.onRelease(() => {
        if (leftBehind) wake();
      });
      claiming = loop();
    },
    async stop() {
      stopping.abort();
      unsubscribe();
      await claiming;
    },
  };
}

/** Whether there may be more than was claimed for this process: some limit was met. */
function isLimited(
  { limit, backgroundMax, crashed }: ClaimOptions,
  claimed: ClaimedRun[],
  takesBackground: boolean,
): boolean {
  const inBackground = claimed.filter(({ run }) => run.mode === 'background').length;
  const oneCrashed = claimed.some(({ run }) => run.crashes > 0);
  const backgroundFull = takesBackground && inBackground === backgroundMax;
  return claimed.length === limit || backgroundFull || oneCrashed || !crashed;
}
