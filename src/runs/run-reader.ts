import { ServiceError } from '../platform/errors.ts';
import { giveWay } from '../platform/slices.ts';
import {
  attachData,
  bytesOfData,
  type DataReference,
  hasDetachedData,
  type Json,
  type JsonRecord,
  JsonText,
  type Page,
  type Run,
  type RunFilter,
  readMarker,
  type Step,
  type Store,
} from '../storage/port/index.ts';
import { contextOf } from './conversation/recorded-context.ts';
import { type FileContent, readFile } from './execution/answer-files.ts';
import { type ReferenceSources, referredItems } from './tool-outputs/resolve-references.ts';

/** Data of an input as it is sent to who reads it. */
export type RunInputData = { bytes: Buffer; mediaType: string };

/** Items of a session that are read at once. */
const itemsPageSize = 50;

/** The error for a run that a tenant does not have. */
export const runNotFound = (runId: string) => new ServiceError('not_found', { what: `Run ${runId}` });

/** The items of the run's session that its steps refer to. */
async function readReferred(
  sessions: Store['sessions'],
  { tenantId, sessionId }: Run,
  steps: readonly Step[],
): Promise<Map<number, JsonRecord>> {
  const items = new Map<number, JsonRecord>();
  if (sessionId === null) return items;
  for (const number of referredItems(steps)) {
    if (items.has(number)) continue;
    const { data } = await sessions.items(tenantId, sessionId, itemsPageSize, number - 1);
    for (const { seq, item } of data) items.set(seq, item);
  }
  return items;
}

/** The steps with their large results, each of which is parsed in a turn of its own. */
async function withLargeResults(steps: Step[]): Promise<Step[]> {
  for (const step of steps) {
    if (!(step.output instanceof JsonText)) continue;
    await giveWay();
    step.output = step.output.toJSON() as Json;
    await giveWay();
  }
  return steps;
}

/** Reads runs that exist. All but `list` throw `not_found`. */
export function createRunReader({ runs, journal, sessions }: Pick<Store, 'runs' | 'journal' | 'sessions'>) {
  async function get(tenantId: string, runId: string): Promise<Run> {
    const run = await runs.get(tenantId, runId);
    if (!run) throw runNotFound(runId);
    return run;
  }

  async function steps(tenantId: string, runId: string): Promise<Step[]> {
    await get(tenantId, runId);
    return journal.steps(tenantId, runId);
  }

  return {
    get,

    /** The journal of a run; long results of tools are `JsonText`s. */
    steps,

    /** The journal of a run, with what its steps refer to. */
    async stepsWithSources(tenantId: string, runId: string): Promise<ReferenceSources> {
      const run = await get(tenantId, runId);
      const of = await withLargeResults(await journal.steps(tenantId, runId));
      const data = hasDetachedData(run.input) ? await runs.inputData(tenantId, runId) : [];
      return { steps: of, input: attachData(run.input, data), items: await readReferred(sessions, run, of) };
    },

    /** Newest first. */
    list: (tenantId: string, filter: RunFilter, limit: number, before: string | null): Promise<Page<Run, string>> =>
      runs.list(tenantId, filter, limit, before),

    /** The run context as the last recorded step left it; null if the run has recorded none. */
    context: async (tenantId: string, runId: string): Promise<JsonRecord | null> =>
      contextOf(await journal.changes(tenantId, runId)),

    /** Large data of a run's input, by its number from 1. */
    async inputData(tenantId: string, runId: string, n: number): Promise<RunInputData> {
      const found = (await runs.inputData(tenantId, runId))[n - 1];
      if (!found) throw new ServiceError('not_found', { what: `Data ${n} of the input of run ${runId}` });
      const { mediaType } = readMarker(found.marker) as DataReference;
      return { bytes: bytesOfData(found.data), mediaType };
    },

    /** A file that an answer of a run holds. */
    async file(tenantId: string, runId: string, fileId: string): Promise<FileContent> {
      const file = readFile(await steps(tenantId, runId), fileId);
      if (file === null) throw new ServiceError('not_found', { what: `File ${fileId} of run ${runId}` });
      return file;
    },
  };
}
