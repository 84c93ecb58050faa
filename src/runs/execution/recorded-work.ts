import type { Json, Step, StepKind } from '../../storage/port/index.ts';
import { type CurrentCall, type RunScope, runScope, workScope } from './run-scope.ts';
import type { StepEnd, workKeys } from './step-record.ts';

/** Thrown in place of work whose outcome is unknown; the run stops and asks a person. */
export class UnknownOutcomeError extends Error {
  constructor(step: Step) {
    super(`The outcome of ${step.name} (${step.callId}) is not known.`);
    this.name = 'UnknownOutcomeError';
  }
}

/** A piece of the application's code that is a step of a run. */
export type Work = {
  scope: RunScope;
  /** What its key begins with, one of `workKeys`. */
  key: (typeof workKeys)[keyof typeof workKeys];
  /** Its name within the scope, the same whenever the run is executed again; a tool call's is its id. */
  id: string;
  kind: StepKind;
  /** The name of the tool, handoff or guardrail. */
  name: string;
  /** The id of its tool call. Defaults to none, for other work. */
  callId?: string;
  effect: string;
  input: Json;
  /** Whether its intent is durable before it begins, as for tool calls. Otherwise only its outcome is recorded. */
  hasIntent: boolean;
  /** Ends it early. Defaults to the signal of the run. */
  signal?: AbortSignal;
};

/** The name and the message of what was thrown. */
export const errorOf = (error: unknown): { name: string; message: string } =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };

/** The error that a step recorded. */
export function recordedErrorOf({ error }: Step): Error {
  const { name, message } = error as { name: string; message: string };
  return Object.assign(new Error(message), { name });
}

/** Whether work may be executed, given that an earlier attempt began it and did not record its end. */
const mayRepeat = (begun: Step): boolean =>
  begun.effect !== 'once' || (begun.error as { decision?: string } | null)?.decision === 'retry';

/** How many pieces of work with this name were begun in the scope before; part of the names of those without a call id. */
export function ordinalOf(scope: RunScope, name: string): number {
  const before = scope.counts.get(name) ?? 0;
  scope.counts.set(name, before + 1);
  return before;
}

/**
 * One piece of the application's code within a run: answered from the journal, or executed and recorded. To be used in
 * this order: `recorded`; if that is null `begin`, `execute`, `end`, and in any case `settle`.
 */
export class RecordedWork {
  readonly #work: Work;
  readonly #path: string;
  /** Its path in the tree of scopes. */
  readonly #scopePath: string;
  readonly #key: string;
  readonly #startedAtMs: number;
  #step: Step | null = null;
  #isBegun = false;
  #isExecuted = false;

  constructor(work: Work) {
    this.#work = work;
    this.#scopePath = `${work.scope.path}/${work.id}`;
    this.#path = this.#scopePath.replace(/^\//, '');
    this.#key = `${work.key}:${this.#path}`;
    this.#startedAtMs = work.scope.attempt.clock.nowMs();
  }

  /** The step of an earlier attempt that recorded the outcome, or null. */
  recorded(): Step | null {
    const { journal } = this.#work.scope.attempt;
    const step = journal.find(this.#key);
    if (step?.status !== 'completed' && step?.status !== 'failed') return null;
    journal.replayed(step, false);
    return step;
  }

  /**
   * Begins the work. With an intent: it is durable, and this process still holds the run, when this resolves. `intended`
   * is called with the step before.
   *
   * @throws {UnknownOutcomeError} if an earlier attempt began it, and it must not be executed twice
   * @throws {RunStopped} if the run is handed back instead
   */
  async begin(intended?: (step: Step) => void): Promise<void> {
    const { scope, effect, hasIntent } = this.#work;
    const { attempt } = scope;
    const begun = attempt.journal.find(this.#key);
    if (begun && !mayRepeat({ ...begun, effect: begun.effect ?? effect })) {
      attempt.journal.end(begun, { status: 'unknown' });
      const error = new UnknownOutcomeError(begun);
      attempt.interrupt(error, scope.within); // an agent used as a tool would tell its caller of it
      throw error;
    }
    attempt.beginStep(scope.uncounted, scope.isPart);
    this.#isBegun = true;
    if (!hasIntent) return;
    this.#step = attempt.journal.intend(this.#start(), attempt.journal.stepNumber(this.#key));
    intended?.(this.#step);
    await attempt.journal.flush();
    attempt.hitFailpoint('tool.beforeEffect');
    attempt.assertHeld();
  }

  /** Executes the work in its scope. */
  async execute<T>(work: () => T): Promise<Awaited<T>> {
    const { scope, id, hasIntent } = this.#work;
    this.#isExecuted = true;
    const result = await runScope.run(workScope(scope, id, this.#toCall(), hasIntent), work);
    if (hasIntent) scope.attempt.hitFailpoint('tool.afterEffect');
    return result;
  }

  /** Records how it ended; null if that is not recorded any more, or was before. */
  end(outcome: StepEnd): Step | null {
    const { attempt } = this.#work.scope;
    if (!attempt.isOpen() || attempt.wasInterruptedIn(this.#scopePath)) return null;
    if (this.#step !== null) return attempt.journal.end(this.#step, outcome) ? this.#step : null;
    const { journal } = attempt;
    return journal.record(this.#start(), journal.stepNumber(this.#key), this.#startedAtMs, outcome);
  }

  /** Records that it has thrown. Work that was told to stop has no outcome worth keeping: the run ends or repeats it. */
  fail(error: unknown): Step | null {
    const { attempt } = this.#work.scope;
    if (!this.#isExecuted || attempt.signal.aborted) return null;
    // What is executed again may have failed because nothing could begin in it any more.
    if (!this.#work.hasIntent && attempt.isInterrupted()) return null;
    return this.end({ status: 'failed', isError: true, error: errorOf(error) });
  }

  /** It is over, successful or not. */
  settle(): void {
    if (this.#isBegun) this.#work.scope.attempt.endStep(this.#scopePath);
    this.#isBegun = false;
  }

  #start() {
    const { scope, kind, name, callId, effect, input, hasIntent } = this.#work;
    return {
      key: this.#key,
      kind,
      scope: scope.path,
      name,
      agent: scope.agent,
      // A person who decides about its outcome names it by this.
      callId: callId ?? (hasIntent ? this.#path : null),
      effect,
      idempotencyKey: this.#toCall().idempotencyKey,
      input,
    };
  }

  #toCall(): CurrentCall {
    const { scope, id, callId, signal } = this.#work;
    const { run } = scope.attempt;
    return {
      runId: run.id,
      sessionId: run.sessionId,
      tenant: run.tenantId,
      callId: callId ?? id,
      idempotencyKey: `${run.id}:${this.#path}`,
      attempt: run.attempt,
      signal: signal ?? scope.attempt.signal,
    };
  }
}

/** What is said of work that is no tool call; without an input by default. */
type Labelled = Pick<Work, 'key' | 'kind' | 'name' | 'effect'> & Partial<Pick<Work, 'input'>>;

/** Work that is no tool call: `label` and how often it was begun in the scope before name it. If it is `once` it has an intent. */
export const labelledWork = (scope: RunScope, label: string, { input = null, ...work }: Labelled): Work => ({
  ...work,
  scope,
  id: `${label}.${ordinalOf(scope, label)}`,
  input,
  hasIntent: work.effect === 'once',
});

/** How the value of work is recorded, and what a replay makes of that. */
export type Codec<T> = { record(value: T): Json; recall(output: Json): T };

/**
 * Executes work once and records what it returned or threw; when the run is executed again, the record answers. What is
 * returned is what a replay returns.
 */
export async function recordWork<T>(work: Work, code: () => T | Promise<T>, codec: Codec<T>): Promise<T> {
  const recording = new RecordedWork(work);
  const recorded = recording.recorded();
  if (recorded?.isError) throw recordedErrorOf(recorded);
  if (recorded) return codec.recall(recorded.output);
  try {
    await recording.begin();
    const output = codec.record((await recording.execute(code)) as T);
    recording.end({ status: 'completed', output });
    if (work.hasIntent) await work.scope.attempt.journal.flush();
    return codec.recall(output);
  } catch (error) {
    recording.fail(error);
    throw error;
  } finally {
    recording.settle();
  }
}
