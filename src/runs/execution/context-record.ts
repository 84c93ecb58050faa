import { reasonNotPlain } from '../../agents/index.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { ContextChange, Json, JsonRecord, Step } from '../../storage/port/index.ts';
import { applyChange, diffOf } from '../conversation/context-diff.ts';

/** What holds a context: the SDK's `RunContext`, whose `context` the application may also replace. */
export type ContextHolder = { context: unknown };

/** A context whose changes are recorded; `snapshot` is it as it was recorded last, undefined if it never was. */
type Tracked = { holder: ContextHolder; snapshot: JsonRecord | undefined };

type Recorded = { ordinal: number; change: ContextChange };

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** The changes of contexts that steps recorded, in the order in which they happened. */
const changesIn = (steps: readonly Step[]): Recorded[] =>
  steps
    .flatMap(({ changes }) =>
      (changes?.context ?? []).map((change) => ({ ordinal: changes?.ordinal as number, change })),
    )
    .sort((one, other) => one.ordinal - other.ordinal);

/**
 * The contexts of a run and of the runs inside of it, during one attempt: what the application changes in them is
 * recorded with the next step, as a difference, and is applied again when that step is replayed. A context belongs to the
 * scope of the run that it was given to; that of the run itself has the path ''.
 */
export class ContextRecord {
  readonly #tracked = new Map<string, Tracked>();
  /** Recorded changes that are not applied yet, by scope. */
  readonly #waiting = new Map<string, Recorded[]>();
  /** Every change up to this one has been reached by the replay. */
  #reached = 0;

  constructor(steps: readonly Step[]) {
    for (const recorded of changesIn(steps)) {
      const path = recorded.change.scope ?? '';
      const others = this.#waiting.get(path);
      if (others) others.push(recorded);
      else this.#waiting.set(path, [recorded]);
    }
  }

  /** The context that the run began with in its first attempt; undefined if that was not recorded. */
  initial(): JsonRecord | undefined {
    const first = this.#waiting.get('')?.[0]?.change;
    return first?.path.length === 0 ? (structuredClone(first.value) as JsonRecord) : undefined;
  }

  /**
   * Records what changes in a context from now on.
   *
   * @param isRecorded whether it is known without the record how the context began. Defaults to true; false for the
   *   context of the run itself, unless it is empty: it is recorded as a whole first
   */
  track(path: string, holder: ContextHolder, isRecorded = true): void {
    const { context } = holder;
    const known = this.#tracked.get(path);
    if (known) known.holder = holder; // what it holds may be another object by now
    // An agent used as a tool has the context of its caller.
    const isShared = [...this.#tracked.values()].some((each) => each.holder.context === context);
    if (known || isShared || (path !== '' && reasonNotPlain(context) !== null)) return;
    const snapshot = isRecorded ? (JSON.parse(JSON.stringify(context)) as JsonRecord) : undefined;
    const tracked = { holder, snapshot };
    this.#tracked.set(path, tracked);
    this.#apply(path, tracked);
  }

  /** Ends the record of a context: the run that it was given to is over. */
  untrack(path: string): void {
    this.#tracked.delete(path);
  }

  /** A recorded step is replayed: the contexts are as they were then. */
  reach(ordinal: number): void {
    if (ordinal <= this.#reached) return;
    this.#reached = ordinal;
    for (const [path, tracked] of this.#tracked) this.#apply(path, tracked);
  }

  /**
   * What was changed since the last call.
   *
   * @throws {ServiceError} `context_not_plain`
   */
  take(): ContextChange[] {
    return [...this.#tracked].flatMap(([path, tracked]) => this.#changesOf(path, tracked));
  }

  /** The context of the run itself, as it was recorded last; undefined if it never was. */
  recorded(): JsonRecord | undefined {
    return this.#tracked.get('')?.snapshot;
  }

  #apply(path: string, { holder, snapshot }: Tracked): void {
    const waiting = this.#waiting.get(path);
    while (waiting?.[0] !== undefined && waiting[0].ordinal <= this.#reached) {
      const { change } = waiting.shift() as Recorded;
      applyChange(holder.context as object, change);
      if (snapshot) applyChange(snapshot, change);
    }
  }

  #changesOf(path: string, tracked: Tracked): ContextChange[] {
    const { context } = tracked.holder;
    if (isEmpty(context) && isEmpty(tracked.snapshot)) return [];
    const reason = reasonNotPlain(context);
    if (reason !== null && path !== '') {
      this.untrack(path); // as if it had not been plain from the beginning
      return [];
    }
    if (reason !== null) throw new ServiceError('context_not_plain', { reason });
    const after = JSON.parse(JSON.stringify(context)) as JsonRecord;
    const changes = diffOf(tracked.snapshot as Json | undefined, after);
    tracked.snapshot = after;
    return path === '' ? changes : changes.map((change) => ({ scope: path, ...change }));
  }
}
