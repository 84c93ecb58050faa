import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import { createPolling } from '../../platform/polling.ts';
import type { Run, Store } from '../../storage/port/index.ts';
import type { RunMetrics } from '../metrics.ts';

/** How often the store is polled for runs whose approval has expired, in ms. */
const pollMs = 5_000;

/** Dependencies of the approval expiry. */
export type ApprovalExpiryDeps = {
  store: Pick<Store, 'runs'>;
  metrics: Pick<RunMetrics, 'ended'>;
  clock: Clock;
  log: Logger;
};

/**
 * Ends the runs, of all tenants, whose required action has expired without a decision. Every process polls; the store
 * ends each run once.
 */
export function createApprovalExpiry({ store, metrics, clock, log }: ApprovalExpiryDeps): Service {
  const { code, message: detail, retryable } = new ServiceError('approval_expired', {});

  function report(run: Run): void {
    metrics.ended(run);
    log.warn({ runId: run.id, sessionId: run.sessionId, code }, 'a run for which nobody decided in time was ended');
  }

  async function endExpired(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const run = await store.runs.expireAction({ code, detail, retryable });
      if (run === null) return;
      report(run);
    }
  }

  return createPolling({
    name: 'approval expiry',
    everyMs: pollMs,
    poll: endExpired,
    failed: (error) => log.warn({ err: error }, 'runs that waited too long could not be ended'),
    clock,
  });
}
