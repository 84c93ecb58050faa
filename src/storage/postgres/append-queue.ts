import { charsMax, createGroupedWrites, rowsMax } from './grouped-writes.ts';

/** The entries of one call of `append`: rows as JSON text, steps by number. */
export type Append = {
  tenantId: string;
  runId: string;
  attempt: number;
  steps: ReadonlyMap<number, string>;
  events: ReadonlyMap<number, string>;
  /** The length of all rows. */
  chars: number;
};

/** Appends that are recorded by one statement; each run is in it at one attempt. */
export type AppendBatch = readonly Append[];

const rowsOf = ({ steps, events }: Append) => steps.size + events.size;

/** How many appends from the front can share one statement: at least one, in their order. */
function batchLength(queued: AppendBatch): number {
  const seen = new Map<string, { append: Append; seqs: Set<number> }>();
  let rows = 0;
  let chars = 0;
  for (const [index, append] of queued.entries()) {
    rows += rowsOf(append);
    chars += append.chars;
    if (index > 0 && (rows > rowsMax || chars > charsMax)) return index;
    const run = seen.get(append.runId) ?? { append, seqs: new Set() };
    // The database has to refuse an event that comes twice, and one statement checks one attempt of a run.
    const same = run.append.attempt === append.attempt && run.append.tenantId === append.tenantId;
    if (!same || [...append.events.keys()].some((seq) => run.seqs.has(seq))) return index;
    for (const seq of append.events.keys()) run.seqs.add(seq);
    seen.set(append.runId, run);
  }
  return queued.length;
}

/**
 * Groups appends, see `createGroupedWrites`. The result of each is whether its run was at its attempt.
 *
 * @param write records a batch and returns the ids of the runs that were at their attempt
 */
export const createAppendQueue = (
  write: (batch: AppendBatch) => Promise<ReadonlySet<string>>,
  mayHaveCommitted: (error: unknown) => boolean,
) =>
  createGroupedWrites<Append, boolean>({
    async write(batch) {
      const held = await write(batch);
      return batch.map(({ runId }) => held.has(runId));
    },
    charsOf: ({ chars }) => chars,
    lengthOf: batchLength,
    mayHaveCommitted,
  });
