import { unavailable } from './errors.ts';

/** What one call of `append` records: rows as JSON text, steps by number. */
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

/** Rows in one statement. More would let the first ones wait for long. */
export const rowsMax = 200;
/** Characters in one statement. */
export const charsMax = 4 * 2 ** 20;
/** Characters that wait for their statement; a database that is slower for so long cannot do its work. */
const waitingCharsMax = 128 * 2 ** 20;

type Waiting = { append: Append; resolve: (held: boolean) => void; reject: (error: unknown) => void };

const rowsOf = ({ steps, events }: Append) => steps.size + events.size;

/** How many appends from the front can share one statement: at least one, in their order. */
export function batchLength(waiting: readonly { append: Append }[]): number {
  const seen = new Map<string, { append: Append; seqs: Set<number> }>();
  let rows = 0;
  let chars = 0;
  for (const [index, { append }] of waiting.entries()) {
    rows += rowsOf(append);
    chars += append.chars;
    if (index > 0 && (rows > rowsMax || chars > charsMax)) return index;
    const run = seen.get(append.runId) ?? { append, seqs: new Set() };
    // An event that comes twice is for the database to refuse, and another attempt is another question.
    const same = run.append.attempt === append.attempt && run.append.tenantId === append.tenantId;
    if (!same || [...append.events.keys()].some((seq) => run.seqs.has(seq))) return index;
    for (const seq of append.events.keys()) run.seqs.add(seq);
    seen.set(append.runId, run);
  }
  return waiting.length;
}

/**
 * Groups appends: those that arrive in the same turn of the event loop, or while a batch is under way, are written
 * together, in the order in which they came. One batch is under way at a time. A batch that fails as a whole is written
 * again one by one, so that what is at fault fails alone; not if `mayHaveHappened` says that the database is.
 *
 * @param write records a batch and returns the ids of the runs that were at their attempt
 */
export function createAppendQueue(
  write: (batch: AppendBatch) => Promise<ReadonlySet<string>>,
  mayHaveHappened: (error: unknown) => boolean,
) {
  let waiting: Waiting[] = [];
  let waitingChars = 0;
  let writing: Promise<void> | null = null;

  const writeBatch = async (batch: Waiting[]): Promise<void> => {
    try {
      const held = await write(batch.map(({ append }) => append));
      for (const { append, resolve } of batch) resolve(held.has(append.runId));
    } catch (error) {
      if (batch.length === 1 || mayHaveHappened(error)) for (const { reject } of batch) reject(error);
      else for (const each of batch) await writeBatch([each]);
    }
  };

  const writeAll = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const length = batchLength(waiting);
      const batch = waiting.slice(0, length);
      waiting = waiting.slice(length);
      for (const { append } of batch) waitingChars -= append.chars;
      await writeBatch(batch);
    }
    writing = null;
  };

  return {
    /** Resolves when the entries are durable: false if the run was not at its attempt. */
    add(append: Append): Promise<boolean> {
      if (waitingChars > waitingCharsMax) return Promise.reject(unavailable(new Error('too many entries wait')));
      return new Promise((resolve, reject) => {
        waiting.push({ append, resolve, reject });
        waitingChars += append.chars;
        writing ??= writeAll();
      });
    },

    /** Resolves when nothing waits to be written. */
    written: (): Promise<void> => writing ?? Promise.resolve(),
  };
}
