import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Service } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Run, Store } from '../../storage/port/index.ts';
import type { RunMetrics } from '../metrics.ts';

/** How often runs are looked for that waited too long, in ms. */
const lookMs = 5_000;

/** What the expiry of approvals stands on. */
export type ApprovalExpiryDeps = {
  store: Pick<Store, 'runs'>;
  metrics: Pick<RunMetrics, 'ended'>;
  clock: Clock;
  log: Logger;
};

/** Ends the runs, of all tenants, for which nobody decided in time. Every process looks; each run is ended once. */
export function createApprovalExpiry({ store, metrics, clock, log }: ApprovalExpiryDeps): Service {
  const { code, message: detail, retryable } = new ServiceError('approval_expired', {});
  const stopping = new AbortController();
  let looking: Promise<void> = Promise.resolve();

  function tell(run: Run): void {
    metrics.ended(run);
    log.warn({ runId: run.id, sessionId: run.sessionId, code }, 'a run for which nobody decided in time was ended');
  }

  async function endAll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const run = await store.runs.expireAction({ code, detail, retryable });
      if (run === null) return;
      tell(run);
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await endAll().catch((error: unknown) =>
        log.warn({ err: error }, 'runs that waited too long could not be ended'),
      );
      await clock.sleep(lookMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: 'approval expiry',
    async start() {
      looking = loop();
    },
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}
