import type { Clock } from '../../platform/clock.ts';
import type { JournalEntries, JsonRecord, Step, StoredEvent, Usage } from '../../storage/port/index.ts';
import type { RunEventBody } from '../events/events.ts';
import { StoredStrings } from '../tool-outputs/stored-strings.ts';
import { costUsdOf, hasDrift, knownCostUsdOf, lastModelOf, usageOf } from './journal-totals.ts';
import { JournalWriter, type JournalWriterDeps } from './journal-writer.ts';
import { joinChanges, SideRecord } from './side-record.ts';
import { lastStepOf, type StepEnd, type StepStart, startedStep, stepOf } from './step-record.ts';

/** Dependencies of a journal. */
export type JournalDeps = JournalWriterDeps & {
  attempt: number;
  /** What earlier attempts recorded. */
  recorded: JournalEntries;
  /**
   * Called with each model call that was answered and each tool call that ended in this attempt (also as `unknown`); for
   * metrics. Defaults to no call.
   */
  stepEnded?(step: Step): void;
};

/**
 * The journal of one run during one attempt: what earlier attempts recorded, what this one adds, and in which order it
 * becomes durable. Entries of one tick are recorded together; an event is published only once it is recorded. It is
 * durable then, except the first text of a step, which is published as soon as it survives this process (`early`).
 */
export class Journal {
  readonly attempt: number;
  /** What the application's code does beside the steps. */
  readonly side: SideRecord;
  /** The long strings that are stored with the run: further entries refer to them. */
  readonly strings = new StoredStrings();
  readonly #writer: JournalWriter;
  readonly #clock: Clock;
  readonly #stepEnded: JournalDeps['stepEnded'];
  readonly #steps: Map<string, Step>;
  /** Keys of the steps that were reached in this attempt. */
  readonly #reached = new Set<string>();
  /** Events that `emitOnce` does not emit again. */
  readonly #emitted: Set<string>;
  /** The numbers of steps without a record that earlier attempts have told clients of: those of agents used as tools. */
  readonly #announced: ReadonlyMap<string, number>;
  #lastStep: number;
  #lastSeq: number;
  #unrecordable: (error: unknown) => void = () => {};

  constructor(deps: JournalDeps) {
    const { steps, events } = deps.recorded;
    this.attempt = deps.attempt;
    this.#writer = new JournalWriter(deps, steps);
    this.#clock = deps.clock;
    this.#stepEnded = deps.stepEnded;
    this.side = new SideRecord(steps);
    this.#steps = new Map(steps.map((step) => [step.key, step]));
    for (const step of steps) this.strings.addStep(step);
    this.#emitted = new Set(events.map(nameOf));
    const started = events.filter(({ type }) => type === 'tool.started');
    this.#announced = new Map(started.map((event) => [`t:${event.data.call_id}`, stepOf(event)]));
    this.#lastStep = Math.max(lastStepOf(steps), ...events.map(stepOf));
    this.#lastSeq = Math.max(1, ...events.map(({ seq }) => seq)); // run.created is 1 and follows from the run
  }

  /** Has a listener called when what the application's code did beside a step cannot be recorded. */
  onUnrecordable(listener: (error: unknown) => void): void {
    this.#unrecordable = listener;
  }

  /**
   * Records what was done beside the steps after the last one, with the step of the highest ordinal.
   *
   * @throws {ServiceError} `context_not_plain`
   */
  recordRest(): void {
    const steps = this.#all().filter(({ status }) => status !== 'started');
    if (this.#writer.isClosed || steps.length === 0) return;
    const changes = this.side.take();
    if (changes === null) return;
    const ordinalOf = (step: Step) => step.changes?.ordinal ?? 0;
    const last = steps.reduce((one, other) => (ordinalOf(other) >= ordinalOf(one) ? other : one));
    last.changes = joinChanges(last.changes, changes);
    this.#note(last);
  }

  #recordRestQuietly(): void {
    try {
      this.recordRest();
    } catch {
      // the run ends for another reason
    }
  }

  /** See `JournalWriter.refusal`. */
  get refusal(): unknown {
    return this.#writer.refusal;
  }

  /** See `JournalWriter.flush`. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** The step recorded under this key, by this attempt or an earlier one. */
  find(key: string): Step | undefined {
    return this.#steps.get(key);
  }

  /** Notes that a recorded step was replayed instead of executed; `drift` if the request differs from the recorded one. */
  replayed(step: Step, drift: boolean): void {
    this.#reached.add(step.key);
    this.side.replayed(step);
    step.replayed += 1;
    step.drift ||= drift;
    this.#note(step);
  }

  /** The number of a step that begins; the same one if it was begun before. */
  stepNumber(key: string): number {
    const known = this.#steps.get(key)?.step ?? this.#announced.get(key);
    if (known !== undefined) return known;
    this.#lastStep += 1;
    return this.#lastStep;
  }

  /** Records the intent to execute a step, before it is executed (write-ahead). */
  intend(start: StepStart, number: number): Step {
    const step = startedStep(start, number, this.attempt, this.#clock.nowMs());
    const before = this.#steps.get(step.key);
    if (before?.changes) {
      this.side.replayed(before);
      step.changes = before.changes; // of an attempt that began it and did not end it
    }
    this.#reached.add(step.key);
    this.#note(step);
    return step;
  }

  /** Records how a step ended. The first end counts: a later one is dropped, and the result is false. */
  end(step: Step, end: StepEnd): boolean {
    if (step.status !== 'started') return false;
    const durationMs = Math.max(0, this.#clock.nowMs() - step.startedAtMs);
    Object.assign(step, end, { attempt: this.attempt, durationMs });
    this.#addChanges(step);
    this.#note(step);
    this.strings.addStep(step);
    this.#stepEnded?.(step);
    return true;
  }

  /** Records a step that is over, without an intent before. */
  record(start: StepStart, number: number, startedAtMs: number, end: StepEnd): Step {
    const durationMs = Math.max(0, this.#clock.nowMs() - startedAtMs);
    const step = Object.assign(startedStep(start, number, this.attempt, startedAtMs), end);
    step.durationMs = durationMs;
    this.#reached.add(step.key);
    this.#addChanges(step);
    this.#note(step);
    this.strings.addStep(step);
    this.#stepEnded?.(step);
    return step;
  }

  /** Numbers an event and records it. */
  emit(body: RunEventBody): void {
    this.#emit(body, false);
  }

  /** As `emit`, for the first text of a step: a viewer waits for it. */
  emitFirstText(body: RunEventBody): void {
    this.#emit(body, true);
  }

  /** As `emit`, unless an earlier attempt has emitted this event; `name` tells events of one type apart. */
  emitOnce(body: RunEventBody, name: string): void {
    const key = `${body.type} ${name}`;
    if (this.#emitted.has(key)) return;
    this.#emitted.add(key);
    this.#emit(body, false);
  }

  /** See `JournalWriter.close`; the event `last` gets the number after those before it. */
  close(last: { type: string; data?: JsonRecord } | null): Promise<JournalEntries> {
    // Of a run that goes on, what an unfinished tool call has done is not recorded: the call is executed again.
    const isUnfinished = this.#all().some(({ status }) => status === 'started');
    if (last !== null || !isUnfinished) this.#recordRestQuietly();
    return this.#writer.close(last && (() => this.#numbered(last.type, last.data ?? {})));
  }

  /** See `usageOf`. */
  usage(): Usage {
    return usageOf(this.#all());
  }

  /** See `costUsdOf`. */
  costUsd(): number | null {
    return costUsdOf(this.#all());
  }

  /** See `knownCostUsdOf`. */
  knownCostUsd(): number {
    return knownCostUsdOf(this.#all());
  }

  /** See `lastModelOf`. */
  lastModel(): string | null {
    return lastModelOf(this.#all());
  }

  /** Every step, in the order in which they began. */
  steps(): Step[] {
    return this.#all().sort((one, other) => one.step - other.step);
  }

  /** Tool calls whose outcome a person has to decide. */
  unknownCalls(): Step[] {
    return this.#all().filter((step) => step.status === 'unknown');
  }

  /** See `hasDrift`. */
  drifted(ended: boolean): boolean {
    return hasDrift(this.#all(), this.#reached, ended);
  }

  /** Adds what was done beside the steps since the last one to this one. */
  #addChanges(step: Step): void {
    try {
      const changes = this.side.take();
      if (changes) step.changes = joinChanges(step.changes, changes);
    } catch (error) {
      this.#unrecordable(error);
    }
  }

  #all(): Step[] {
    return [...this.#steps.values()];
  }

  #note(step: Step): void {
    if (this.#writer.isClosed) return; // code that outlives its run does not change its record
    this.#steps.set(step.key, step);
    this.#writer.addStep(step);
  }

  #emit({ type, ...data }: RunEventBody, isFirstText: boolean): void {
    if (this.#writer.isClosed) return;
    this.#writer.addEvent(this.#numbered(type, data as unknown as JsonRecord), isFirstText);
  }

  #numbered(type: string, data: JsonRecord): StoredEvent {
    this.#lastSeq += 1;
    return { seq: this.#lastSeq, type, attempt: this.attempt, atMs: this.#clock.nowMs(), data };
  }
}

/** Opens the journal of one run for one attempt. */
export const createJournal = (deps: JournalDeps): Journal => new Journal(deps);

/** The name under which `emitOnce` recognises an event that an earlier attempt emitted. */
function nameOf({ type, data }: StoredEvent): string {
  if (type === 'handoff') return `${type} ${data.ordinal}`;
  if (type === 'budget.warning') return `${type} ${data.scope} ${data.unit} ${data.period}`;
  return `${type} ${data.call_id ?? ''}`;
}
