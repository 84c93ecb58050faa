import type { Logger } from '../../platform/logger.ts';
import type { ClaimedRun, ClaimOptions, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import type { Lease } from './process-lease.ts';

/** Dependencies of claims in the store. */
export type StoreClaimDeps = {
  store: { runs: Pick<Store['runs'], 'claim'> };
  active: Pick<ActiveRuns, 'hasCrashed'>;
  lease: Pick<Lease, 'processId'>;
  /** Which runs this process may execute; see `ClaimOptions`. */
  affinity: Pick<ClaimOptions, 'agents' | 'version'>;
  log: Pick<Logger, 'warn'>;
};

/** Whether the store may hold more runs than were claimed for this process: one of the limits was reached. */
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

/**
 * Claims queued runs in the store, and knows whether some may be left there that this process would execute: only then
 * is a released slot a reason for another claim.
 */
export function createStoreClaim(
  { store, active, lease, affinity, log }: StoreClaimDeps,
  { takesBackground }: { takesBackground: boolean },
) {
  let leftBehind = true;

  return {
    /** Whether the last claim may have left runs in the queue. */
    hasLeftRuns: (): boolean => leftBehind,

    /** Records that runs may be left in the queue that no claim has covered. */
    assumeLeftRuns(): void {
      leftBehind = true;
    },

    /** Claims at most `limit` runs, at most `backgroundMax` of them in the background; none if the store fails. */
    async claim(limit: number, backgroundMax: number): Promise<ClaimedRun[]> {
      const options = {
        limit,
        backgroundMax,
        // At most one run that crashed a process before is executed at a time, so that only the culprit collects crashes.
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
    },
  };
}
