import type { Clock } from '../platform/clock.ts';
import { ServiceError } from '../platform/errors.ts';
import {
  bytesOfData,
  type DataReference,
  type Page,
  type Run,
  type RunFilter,
  readMarker,
  type Step,
  type Store,
} from '../storage/port/index.ts';
import type { ActiveRuns } from './active-runs.ts';
import { applyDecisions, type Decision } from './approvals/decisions.ts';
import { type FileContent, readFile } from './execution/answer-files.ts';
import type { HitFailpoint } from './failpoints.ts';
import { stopped } from './run-failure.ts';

/** Dependencies of the control of runs. */
export type RunControlDeps = {
  store: Pick<Store, 'runs' | 'journal'>;
  active: Pick<ActiveRuns, 'get'>;
  hitFailpoint: HitFailpoint;
  clock: Clock;
};

/** Data of an input as it is sent to who reads it. */
export type RunInputData = { bytes: Buffer; mediaType: string };

const notFound = (runId: string) => new ServiceError('not_found', { what: `Run ${runId}` });

/** Reads runs that exist, cancels them and decides about them. */
export function createRunControl({ store, active, hitFailpoint, clock }: RunControlDeps) {
  /** @throws {ServiceError} `not_found` */
  async function get(tenantId: string, runId: string): Promise<Run> {
    const run = await store.runs.get(tenantId, runId);
    if (!run) throw notFound(runId);
    return run;
  }

  return {
    get,

    /** Newest first. */
    list: (tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>> =>
      store.runs.list(tenantId, filter, limit, before),

    /** Large data of a run's input, by its number from 1. @throws {ServiceError} `not_found` */
    async inputData(tenantId: string, runId: string, n: number): Promise<RunInputData> {
      const found = (await store.runs.inputData(tenantId, runId))[n - 1];
      if (!found) throw new ServiceError('not_found', { what: `Data ${n} of the input of run ${runId}` });
      const { mediaType } = readMarker(found.marker) as DataReference;
      return { bytes: bytesOfData(found.data), mediaType };
    },

    /** The journal of a run. @throws {ServiceError} `not_found` */
    async steps(tenantId: string, runId: string): Promise<Step[]> {
      await get(tenantId, runId);
      return store.journal.steps(tenantId, runId);
    },

    /** A file that an answer of a run holds. @throws {ServiceError} `not_found` */
    async file(tenantId: string, runId: string, fileId: string): Promise<FileContent> {
      await get(tenantId, runId);
      const file = readFile(await store.journal.steps(tenantId, runId), fileId);
      if (file === null) throw new ServiceError('not_found', { what: `File ${fileId} of run ${runId}` });
      return file;
    },

    /**
     * Requests the cancellation of a run, whichever process executes it. A repeated request changes nothing.
     *
     * @throws {ServiceError} `not_found`
     */
    async cancel(tenantId: string, runId: string): Promise<Run> {
      const run = await store.runs.requestCancel(tenantId, runId, stopped('cancelled').error);
      if (!run) throw notFound(runId);
      active.get(runId)?.stop('cancelled');
      return run;
    },

    /**
     * Records decisions, and queues the run again once nothing is left to decide.
     *
     * @param by the id of the key that decides
     * @throws {ServiceError} `not_found`, `not_waiting`, `validation_failed`
     */
    async decide(tenantId: string, runId: string, decisions: readonly Decision[], by: string): Promise<Run> {
      const run = await get(tenantId, runId);
      const steps = await store.journal.steps(tenantId, runId);
      const applied = applyDecisions(run, steps, decisions, by, clock.nowMs());
      hitFailpoint('decision.beforeWrite');
      const decided = await store.runs.decide(tenantId, runId, applied);
      hitFailpoint('decision.afterWrite');
      if (!decided) throw new ServiceError('not_waiting', { runId }, { runId });
      return decided;
    },
  };
}
