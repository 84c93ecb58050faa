import { RunState, type RunToolApprovalItem } from '@openai/agents';
import type { Step } from '../../storage/port/index.ts';
import { withAbortGrace } from './abort-grace.ts';
import type { AttemptContext } from './attempt-context.ts';
import { recordedAnswerOf } from './model-answer.ts';
import { type RunScope, runScope, type WorkflowRuns } from './run-scope.ts';
import type { StepEnd } from './step-record.ts';
import { originalOf } from './workflow-context.ts';
import { fromRecordedError, toRecordedError } from './workflow-error.ts';
import { ResultOrder } from './workflow-order.ts';

/** The run waits for decisions about these calls, which runs of a workflow want to make. */
export class ApprovalsAwaited extends Error {
  readonly interruptions: readonly RunToolApprovalItem[];

  constructor(interruptions: readonly RunToolApprovalItem[]) {
    super('The workflow waits for approvals.');
    this.name = 'ApprovalsAwaited';
    this.interruptions = interruptions;
  }
}

type RunOptions = { signal?: AbortSignal; maxTurns?: number | null; context?: unknown; stream?: boolean };

/** The key of the record that a run of a workflow has ended. */
const runKey = (path: string): string => `r:${path.slice(1)}`;
const isRunKey = (key: string): boolean => key.startsWith('r:');
const isStepKey = (key: string): boolean => key.startsWith('w:step:');

/** The keys of the recorded work of a workflow's own code, in the order in which it ended. */
function recordedOrder(steps: readonly Step[]): string[] {
  const endOf = (step: Step) => step.startedAtMs + (step.durationMs ?? 0);
  const ended = steps.filter(
    ({ key, scope, status }) =>
      scope === '' && (isRunKey(key) || isStepKey(key)) && (status === 'completed' || status === 'failed'),
  );
  ended.sort((one, other) => one.attempt - other.attempt || endOf(one) - endOf(other) || one.step - other.step);
  return ended.map(({ key }) => key);
}

/**
 * The work of a workflow's own code during one attempt: the runs and the steps that it begins outside of its steps. How
 * each ended is recorded, and given again in the same order when the run is executed again.
 */
export class WorkflowWork implements WorkflowRuns {
  readonly #attempt: AttemptContext;
  readonly #turnsMax: number;
  readonly #order: ResultOrder;
  readonly #ending = new AbortController();
  readonly #active = new Set<Promise<unknown>>();
  readonly #awaited: RunToolApprovalItem[] = [];
  /** Aborts when the run ends early or the code is over. */
  readonly signal: AbortSignal;

  constructor(attempt: AttemptContext, turnsMax: number) {
    this.#attempt = attempt;
    this.#turnsMax = turnsMax;
    this.#order = new ResultOrder(recordedOrder(attempt.journal.steps()));
    this.signal = AbortSignal.any([attempt.signal, this.#ending.signal]);
    attempt.beConcurrent();
    // A new call may come before the recorded ones are replayed: a decision about one must not count for the other.
    for (const step of attempt.journal.steps()) {
      if (step.kind !== 'model_call' || step.status !== 'completed') continue;
      for (const { callId } of recordedAnswerOf(step).output) if (callId) attempt.callIds.add(callId);
    }
  }

  /** @throws {Error} if the workflow is over: nothing may begin in it */
  assertOpen(): void {
    if (this.#ending.signal.aborted) throw this.#ending.signal.reason;
  }

  start(child: RunScope, args: unknown[], execute: (args: unknown[]) => Promise<unknown>): Promise<unknown> {
    const [agent, input, given] = args as [unknown, unknown, RunOptions | undefined];
    const running = async () => {
      this.assertOpen();
      return execute([agent, input, this.#optionsOf(input, given)]);
    };
    const isOwn = runScope.getStore()?.call === null;
    if (isOwn && given?.stream !== true) return this.track(runKey(child.path), () => this.#recorded(child, running));
    const result = running();
    result.catch(() => this.#attempt.handBackWhenIdle());
    return result;
  }

  /** Work of the code itself: its result is given in its turn. */
  track<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = this.#inTurn(key, work);
    this.#active.add(result);
    const over = () => {
      this.#active.delete(result);
      this.#askSoon();
    };
    result.then(over, over);
    return result;
  }

  /** Never resolves: the run waits for the decisions, once none of its work is in progress, and is executed again. */
  waitForDecisions(interruptions: readonly RunToolApprovalItem[]): Promise<never> {
    this.#awaited.push(...interruptions);
    this.#askSoon();
    return new Promise(() => {});
  }

  /** The code has returned or thrown: what it has left in progress is told to stop, and given a moment for it. */
  async end(): Promise<void> {
    const settled = withAbortGrace(Promise.allSettled(this.#active), this.#ending.signal, this.#attempt.clock);
    this.#ending.abort(new Error('The workflow is over.'));
    await settled.catch(() => {});
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#order.begun(key);
    try {
      return await work();
    } catch (error) {
      this.#attempt.handBackWhenIdle(); // no provider can be asked, and the whole run waits for one
      // An execution that is about to end has no result that its code may go on with.
      if (this.#attempt.isInterrupted() && !this.signal.aborted) await new Promise(() => {});
      throw error;
    } finally {
      await this.#order.ended(key);
    }
  }

  async #recorded(child: RunScope, execute: () => Promise<unknown>): Promise<unknown> {
    const { journal, clock } = this.#attempt;
    const known = journal.find(runKey(child.path));
    const startedAtMs = clock.nowMs();
    if (known) journal.replayed(known, false);
    if (known?.status === 'failed') throw this.#replayFailure(known, child);
    const record = (end: StepEnd) => {
      if (!known && this.#attempt.isOpen()) this.#record(child, startedAtMs, end);
    };
    try {
      const result = await execute();
      record({ status: 'completed' });
      return result;
    } catch (error) {
      const isStopping = this.signal.aborted || this.#attempt.handBackWhenIdle() || this.#attempt.isInterrupted();
      if (!isStopping) record({ status: 'failed', isError: true, error: toRecordedError(error) });
      throw error;
    }
  }

  #record({ path, agent }: RunScope, startedAtMs: number, end: StepEnd): void {
    const { journal } = this.#attempt;
    const key = runKey(path);
    const start = { key, kind: 'step' as const, scope: '', name: agent ?? '', agent, callId: null, effect: null };
    journal.record({ ...start, input: { scope: path } }, journal.stepNumber(key), startedAtMs, end);
  }

  /** The steps of a failed run are not executed again, nor is the step that failed. */
  #replayFailure(failed: Step, { path }: RunScope): Error {
    const { journal } = this.#attempt;
    for (const step of journal.steps()) if (`${step.scope}/`.startsWith(`${path}/`)) journal.replayed(step, false);
    return fromRecordedError(failed);
  }

  #optionsOf(input: unknown, given: RunOptions = {}): RunOptions {
    const { signal, maxTurns, context } = given;
    const isNew = !(input instanceof RunState); // one that goes on has its limit already
    return {
      ...given,
      ...(context === undefined ? {} : { context: originalOf(context) }),
      ...(maxTurns === undefined && isNew ? { maxTurns: this.#turnsMax } : {}),
      signal: signal ? AbortSignal.any([signal, this.signal]) : this.signal,
    };
  }

  /** Asks for the awaited decisions once the code has had its say about what has just ended. */
  #askSoon(): void {
    if (this.#awaited.length === 0) return;
    setImmediate(() => {
      if (this.#active.size === 0 && !this.signal.aborted) this.#attempt.interrupt(new ApprovalsAwaited(this.#awaited));
    });
  }
}
