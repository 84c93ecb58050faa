import type { Clock } from '../../platform/clock.ts';
import { isStoreUnavailable } from '../../platform/errors.ts';
import type { JournalEntries, Step, StoredEvent } from '../../storage/port/index.ts';
import { RunStopped } from '../run-failure.ts';
import { lastStepOf, stepOf } from './step-record.ts';

/** The first pause before a failed write is retried, and the longest, in ms. */
const retryPauseMs = 100;
const retryPauseMaxMs = 1_000;

/** Dependencies of a journal's writer. */
export type JournalWriterDeps = {
  /** Aborts when the run is to end early, at the latest before its process's lease ends; limits the retries. */
  signal: AbortSignal;
  /** Records entries; false if another attempt has taken over. For `early` see `JournalStore.append`. */
  append(entries: JournalEntries, early: boolean): Promise<boolean>;
  /** Called with events once they are recorded: they may be shown from now on. */
  publish(events: StoredEvent[]): void;
  /** Called when entries could not be recorded: the run must not go on here. */
  lost(error: unknown): void;
  /** Called after each write that the store has taken. Defaults to no call. */
  flushed?(entries: number, tookMs: number): void;
  clock: Clock;
};

/** Resolves at the end of this tick. Not an event-loop tick later: the stores wait for that themselves. */
const endOfTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

/**
 * Writes the entries of one attempt to the store, in order, one write at a time (group commit): entries of one tick
 * share a write, and so do entries that arrive while a write is in progress. A write that fails because the store is
 * unavailable is retried until it succeeds, or until the run is over. One that the store refuses is the last.
 */
export class JournalWriter {
  readonly #deps: JournalWriterDeps;
  #pendingSteps = new Map<string, Step>();
  #pendingEvents: StoredEvent[] = [];
  /** The number of the last step that is recorded. */
  #recordedStep: number;
  /** The first text of a step: the event that a viewer waits for most. */
  #firstText: StoredEvent | null = null;
  #draining: Promise<void> | null = null;
  #writing: Promise<boolean> | null = null;
  /** Why nothing more is written: another attempt has taken over, or the store has refused an entry. */
  #refused: unknown = null;
  #refusal: unknown = null;
  /** Cuts the pause before a retry short; made at the first retry. */
  #pause: AbortController | null = null;
  #isClosed = false;

  constructor(deps: JournalWriterDeps, recordedSteps: readonly Step[]) {
    this.#deps = deps;
    this.#recordedStep = lastStepOf(recordedSteps);
  }

  /** Whether the end of the run has taken what was pending: nothing is to be added any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error with which the store refused an entry; null if it did not. */
  get refusal(): unknown {
    return this.#refusal;
  }

  /** Has a step recorded. Until its write begins, later changes of the step are recorded with it. */
  addStep(step: Step): void {
    this.#pendingSteps.set(step.key, step);
    this.#schedule();
  }

  /** Has an event recorded; `isFirstText` if it is the first text of its step. */
  addEvent(event: StoredEvent, isFirstText: boolean): void {
    this.#pendingEvents.push(event);
    if (isFirstText) this.#firstText = event;
    this.#schedule();
  }

  /**
   * Resolves when everything so far is durable, except a first text on which nothing depends. Rejects if it cannot
   * become durable: then the run must not go on.
   */
  flush(): Promise<void> {
    if (this.#refused) return Promise.reject(this.#refused);
    if (this.#isClosed) return Promise.reject(new RunStopped('cancelled')); // nothing may begin in a run that has ended
    return this.#startDraining().then(() => (this.#isPending() ? this.flush() : undefined));
  }

  /**
   * Returns what is not recorded yet, to be recorded with the end of the run; `last` makes the event that follows it.
   * Waits for a write in progress, but starts none: the end of the run carries the entries of its tick.
   */
  async close(last: (() => StoredEvent) | null): Promise<JournalEntries> {
    this.#isClosed = true;
    this.#pause?.abort('the run has ended'); // without a reason an error with its stack is made
    await this.#writing?.catch(() => {});
    if (last) this.#pendingEvents.push(last());
    return this.#takePending();
  }

  #isPending(): boolean {
    return this.#pendingSteps.size > 0 || this.#pendingEvents.length > 0;
  }

  #takePending(): JournalEntries {
    const entries = {
      steps: [...this.#pendingSteps.values()].map((step) => ({ ...step })),
      events: this.#pendingEvents,
    };
    this.#pendingSteps = new Map();
    this.#pendingEvents = [];
    return entries;
  }

  /** Puts the entries of a failed write back, in front: the next write takes them along, so nothing is lost. */
  #restorePending({ steps, events }: JournalEntries): void {
    this.#pendingSteps = new Map([...steps.map((step) => [step.key, step] as const), ...this.#pendingSteps]);
    this.#pendingEvents = [...events, ...this.#pendingEvents];
  }

  /**
   * Whether entries may be written early (shown before they are durable): they are the first text of a step and nothing
   * else, and the step is the one after the last recorded step. After a power cut the store knows of no other step whose
   * text may be lost (`withdrawLostText` in `sqlite/power-cut.ts`). Two first texts never follow one another: the step of
   * the first one is recorded between them.
   */
  #isEarly({ steps, events }: JournalEntries): boolean {
    const firstText = this.#firstText;
    return (
      firstText !== null &&
      steps.length === 0 &&
      events.length === 1 &&
      events[0] === firstText &&
      stepOf(firstText) === this.#recordedStep + 1
    );
  }

  /** Starts a write of what is pending, although no caller waits for it. */
  #schedule(): void {
    if (this.#refused) this.#deps.lost(this.#refused);
    else void this.#startDraining();
  }

  /** Resolves when what is pending is recorded; rejects if that fails, which is reported to `lost` as well. */
  #startDraining(): Promise<void> {
    if (this.#draining === null) {
      this.#draining = this.#drain();
      this.#draining.catch(this.#deps.lost);
    }
    return this.#draining;
  }

  /** Records what is pending, and what arrives meanwhile, one write at a time. */
  async #drain(): Promise<void> {
    try {
      await endOfTick(); // further entries of this tick share the write
      while (this.#isPending() && !this.#isClosed) await this.#write(this.#takePending());
    } finally {
      this.#draining = null;
    }
  }

  async #write(entries: JournalEntries): Promise<void> {
    const { clock, publish, flushed } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.#writing = this.#appendWithRetry(entries).catch((error: unknown) => {
      this.#restorePending(entries);
      if (!isStoreUnavailable(error)) this.#refusal = this.#refused = error;
      throw error;
    });
    if (!(await this.#writing)) {
      this.#refused = new RunStopped('lease_lost');
      throw this.#refused;
    }
    for (const { step } of entries.steps) this.#recordedStep = Math.max(this.#recordedStep, step);
    flushed?.(entries.steps.length + entries.events.length, clock.monotonicMs() - startedMs);
    publish(entries.events);
  }

  /** Retries while the store is unavailable, however long that is, or until the run is over. */
  async #appendWithRetry(entries: JournalEntries): Promise<boolean> {
    const { signal, append, clock } = this.#deps;
    for (let tries = 1; ; tries += 1) {
      try {
        return await append(entries, this.#isEarly(entries));
      } catch (error) {
        if (!isStoreUnavailable(error) || this.#isClosed) throw error;
        this.#pause ??= new AbortController();
        const over = AbortSignal.any([signal, this.#pause.signal]);
        await clock.sleep(Math.min(retryPauseMaxMs, retryPauseMs * 2 ** tries), over).catch(() => {});
        if (over.aborted) throw error;
      }
    }
  }
}
