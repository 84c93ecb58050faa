import type { Effect } from '../../agents/index.ts';
import type { RunBudget } from '../../budgets/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Run } from '../../storage/port/index.ts';
import { includesOf } from '../events/events.ts';
import type { HitFailpoint } from '../failpoints.ts';
import { AgentToolCalls, type ToolCall } from './agent-tool-calls.ts';
import { AnswerParts } from './answer-parts.ts';
import { CallIds } from './call-ids.ts';
import type { Journal } from './journal.ts';
import { SideText } from './side-text.ts';
import { createFlushTimer, createTextCoalescer, type FlushTimer, type TextCoalescer } from './text-coalescer.ts';

/** Where in a run a model call is made: the path of its scope, empty for the run itself, and its agent. */
type AgentPlace = { path: string; agent: string | null };

/** Dependencies of an attempt's context. */
export type AttemptContextDeps = {
  run: Run;
  journal: Journal;
  /** Resolves once the run is stored: no answer of a model is used before. Defaults to a run that is stored. */
  stored?: Promise<unknown>;
  clock: Clock;
  signal: AbortSignal;
  /** The effect of tools that declare none. */
  effectDefault: Effect;
  /** The largest result of a tool that is recorded, in bytes of JSON. Defaults to no limit. */
  toolOutputBytesMax?: number;
  /** Called at the failpoints of the execution. */
  hitFailpoint: HitFailpoint;
  /** Throws if this process may not act for the run any more. */
  assertHeld(): void;
  /** Stops the run if it is to be handed back between two steps. Returns whether the run is stopped. */
  handBackIfDue(): boolean;
  /** Whether the run is to be handed back. Defaults to never. */
  isHandBackDue?(): boolean;
  /** When the run's time is over, on the monotonic clock. Defaults to never. */
  deadlineMs?: number;
  /**
   * Called when no model provider can be asked before so many ms (`isOutage`), or none gives a usable answer. Notes it
   * if the run is to wait in the queue; then `handBackIfDue` stops the run. Defaults to no call.
   */
  waitForProviders?(retryAfterMs: number, isOutage: boolean): void;
  /** What model calls are paid from. Defaults to no limit. */
  budget?: RunBudget;
  /** When pending text is emitted. Defaults to a flush timer of its own. */
  flushTimer?: FlushTimer;
};

const unlimited: RunBudget = { reserve: () => null };

/** The state of one attempt at a run while it is executed: its journal, its text, its steps and its model errors. */
export class AttemptContext {
  readonly run: Run;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly effectDefault: Effect;
  readonly toolOutputBytesMax: number;
  readonly hitFailpoint: HitFailpoint;
  readonly assertHeld: () => void;
  readonly deadlineMs: number;
  readonly budget: RunBudget;
  readonly callIds = new CallIds();
  /** What the answers of the run hold besides text. */
  readonly answerParts = new AnswerParts();
  readonly #handBackIfDue: () => boolean;
  readonly #isHandBackDue: () => boolean;
  readonly #waitForProviders: AttemptContextDeps['waitForProviders'];
  readonly #text: TextCoalescer<number>;
  readonly #flushTimer: FlushTimer;
  readonly #agentToolCalls: AgentToolCalls;
  readonly #pausedAgentCalls = new Set<string>();
  readonly #modelErrors = new WeakSet<object>();
  readonly #interrupted = Promise.withResolvers<never>();
  #interruption: { error: unknown; isHandBack: boolean } | null = null;
  #isConcurrent = false;
  /** The pieces of work in which the execution was interrupted, and those of them that do not go on. */
  readonly #interruptedIn = new Set<string>();
  readonly #blocked = new Set<string>();
  #failure: { error: unknown } | null = null;
  #sideText: SideText | undefined;
  #storing: Promise<unknown> | undefined;
  #isOpen = true;
  #handoffs = 0;
  #stepsInProgress = 0;
  #isReplaying = false;
  #agent: string | null = null;
  #firstTokenAtMs: number | null = null;

  constructor(deps: AttemptContextDeps) {
    const { clock, journal, flushTimer = createFlushTimer(clock) } = deps;
    this.run = deps.run;
    this.journal = journal;
    this.clock = clock;
    this.signal = deps.signal;
    this.effectDefault = deps.effectDefault;
    this.toolOutputBytesMax = deps.toolOutputBytesMax ?? Number.POSITIVE_INFINITY;
    this.hitFailpoint = deps.hitFailpoint;
    this.assertHeld = deps.assertHeld;
    this.deadlineMs = deps.deadlineMs ?? Number.POSITIVE_INFINITY;
    this.budget = deps.budget ?? unlimited;
    this.#handBackIfDue = deps.handBackIfDue;
    this.#isHandBackDue = deps.isHandBackDue ?? (() => false);
    this.#waitForProviders = deps.waitForProviders;
    this.#flushTimer = flushTimer;
    this.#text = createTextCoalescer<number>({
      flushTimer,
      emit(step, delta, isFirst) {
        if (isFirst) journal.emitFirstText({ type: 'text.delta', step, delta });
        else journal.emit({ type: 'text.delta', step, delta });
      },
    });
    this.#agentToolCalls = new AgentToolCalls(journal, clock);
    this.#interrupted.promise.catch(() => {}); // the executor races it
    journal.onUnrecordable((error) => this.interrupt(error));
    this.#storing = deps.stored;
    deps.stored?.then(
      () => {
        this.#storing = undefined;
      },
      () => {}, // callers of `untilStored` receive the error
    );
  }

  /**
   * What the use of a model's answer has to wait for: that the run is stored. Undefined once it is. The model itself may
   * be asked before: if the run is lost, no client knows of it, and its answer has had no effect.
   */
  untilStored(): Promise<unknown> | undefined {
    return this.#storing;
  }

  /** Whether the run is still being executed: what code that outlives it reports is dropped. */
  isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Whether what code does now is recorded. It is not any more once the run has completed, or waits for decisions.
   *
   * @throws the reason if the attempt has ended otherwise: the run may go on elsewhere, so its code must not go on here
   */
  isRecording(): boolean {
    if (!this.#isOpen && this.#failure) throw this.#failure.error;
    return this.#isOpen;
  }

  /**
   * A step that is not recorded is about to be carried out. If no other is in progress, the run may be handed back
   * before it begins: then nothing that was begun is lost.
   *
   * @param uncounted how many of the enclosing steps in progress may be begun again; see `RunScope`. Defaults to 0
   * @param isPart whether an enclosing step has an intent: that goes on to its end. Defaults to false
   * @throws {RunStopped} when the run is handed back instead
   */
  beginStep(uncounted = 0, isPart = false): void {
    if (this.#interruption) throw this.#interruption.error;
    this.isRecording();
    if (this.#stepsInProgress <= uncounted && this.#handBackIfDue()) throw this.signal.reason;
    if (this.#isConcurrent && !isPart && this.handBackWhenIdle()) throw new Error('The run is handed back.');
    this.#stepsInProgress += 1;
  }

  /**
   * Steps of this run may begin at any time while others are in progress, as in a workflow: then none begins any more if
   * the run is to be handed back, so that there is a moment for it.
   */
  beConcurrent(): void {
    this.#isConcurrent = true;
  }

  /** Has the run handed back once no step is in progress, if that is due. Returns whether it is. */
  handBackWhenIdle(): boolean {
    if (!this.#isHandBackDue()) return false;
    this.#interruptBy(new Error('The run is handed back.'), true);
    return true;
  }

  /**
   * A step that was begun is over, successful or not.
   *
   * @param path that of a piece of work. Defaults to none, for a model call
   */
  endStep(path?: string): void {
    this.#stepsInProgress -= 1;
    if (path !== undefined) this.#blocked.delete(path);
    this.#settleInterruption();
  }

  /**
   * Ends the execution with this error once no step is in progress, whatever the SDK or the application make of errors:
   * code that has caught it cannot begin anything any more. The first error counts.
   *
   * @param within the pieces of work that have come to this: what they make of it is not recorded. Defaults to none
   */
  interrupt(error: unknown, within: readonly string[] = []): void {
    for (const path of within) this.#interruptedIn.add(path);
    this.#interruptBy(error, false);
  }

  /** Whether the execution is about to end by `interrupt`. */
  isInterrupted(): boolean {
    return this.#interruption !== null;
  }

  #interruptBy(error: unknown, isHandBack: boolean): void {
    this.#interruption ??= { error, isHandBack };
    this.#settleInterruption();
  }

  /** As `interrupt`, for code that does not go on then: the execution ends without the work that waits for it. */
  interruptForGood(error: unknown, within: readonly string[]): Promise<never> {
    for (const path of within) this.#blocked.add(path);
    this.interrupt(error, within);
    return new Promise<never>(() => {});
  }

  /** Whether the execution was interrupted within this piece of work, which is to be executed again then. */
  wasInterruptedIn(path: string): boolean {
    return this.#interruptedIn.has(path);
  }

  #settleInterruption(): void {
    const isWaited = this.#stepsInProgress > this.#blocked.size;
    if (!this.#interruption || isWaited) return;
    if (this.#interruption.isHandBack) this.#handBackIfDue();
    this.#interrupted.reject(this.#interruption.error);
  }

  /** Rejects when the execution is ended by `interrupt`. */
  get interrupted(): Promise<never> {
    return this.#interrupted.promise;
  }

  /** Emits text for the user. */
  emitText(step: number, delta: string): void {
    if (!this.#isOpen || delta === '') return;
    this.#firstTokenAtMs ??= this.clock.nowMs();
    this.hitFailpoint('model.speaking');
    this.#text.add(step, delta);
  }

  /** Whether the request for the run has asked for the text of agents used as tools. */
  includesAgentText(): boolean {
    return includesOf(this.run).includes('agent_text');
  }

  /** Text that is no part of the answer to the user. */
  sideText(): SideText {
    this.#sideText ??= new SideText(this.journal, this.#flushTimer);
    return this.#sideText;
  }

  /** Emits the pending text, before the events that follow it. */
  flushText(): void {
    this.#text.flush();
    this.#sideText?.flush();
  }

  /** Withdraws the text of a step that was shown. */
  resetText(step: number, reason: string): void {
    if (!this.#isOpen) return;
    this.flushText();
    this.journal.emit({ type: 'text.reset', step, reason });
  }

  /** The last step that had text; 0 if none had. */
  lastTextStep(): number {
    return this.#text.lastSource() ?? 0;
  }

  /** Time from the run's start to its first text, in ms; null without text. */
  firstTokenMs(): number | null {
    const atMs = this.#firstTokenAtMs;
    return atMs === null ? this.run.firstTokenMs : Math.max(0, atMs - (this.run.startedAtMs ?? atMs));
  }

  /** Another provider takes a model call over. */
  failedOver(change: { from: string; to: string; reason: string }): void {
    if (!this.#isOpen) return;
    this.flushText();
    this.journal.emit({ type: 'provider.failed_over', ...change });
  }

  /**
   * A model call has failed because no provider answers. If the run is to wait for one, it is stopped as soon as no step
   * is in progress but the one that has failed; what that step does about the failure until then is dropped.
   */
  providersDown(retryAfterMs: number, isOutage: boolean, uncounted = 0): void {
    if (!this.#isOpen || this.signal.aborted) return;
    this.#waitForProviders?.(retryAfterMs, isOutage);
    if (this.#stepsInProgress <= 1 + uncounted) this.#handBackIfDue();
  }

  /** One agent has handed the conversation over to another. */
  handedOff(from: string, to: string): void {
    this.#handoffs += 1;
    if (!this.#isOpen) return;
    this.flushText();
    this.journal.emitOnce({ type: 'handoff', from, to, ordinal: this.#handoffs }, `${this.#handoffs}`);
  }

  /** An agent used as a tool was called. */
  agentToolStarted(agent: string, call: ToolCall): void {
    if (this.#isOpen) this.#agentToolCalls.started(agent, call);
  }

  /** An agent used as a tool waits for approvals. */
  agentToolPaused(callId: string): void {
    this.#pausedAgentCalls.add(callId);
  }

  /** An agent used as a tool has answered. */
  agentToolEnded(call: ToolCall, output: string): void {
    if (this.#pausedAgentCalls.delete(call.callId)) return; // the SDK reports the end of a call that waits for approvals, too
    const isStopping = this.signal.aborted || this.isInterrupted(); // then this is no answer
    if (this.#isOpen && !isStopping) this.#agentToolCalls.ended(call, output);
  }

  /** A model call was answered, by the journal or by a model. */
  modelAnswered(fromJournal: boolean, { path, agent }: AgentPlace): void {
    this.#isReplaying = fromJournal;
    if (path === '') this.#agent = agent;
  }

  /** Whether the last answer to a model call came from the journal. */
  isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** A model call has thrown this error. */
  modelFailed(error: unknown, { path, agent }: AgentPlace): void {
    if (path === '') this.#agent = agent;
    if (typeof error === 'object' && error !== null) this.#modelErrors.add(error);
  }

  /** The agent of the run itself whose model answered or failed last, by its own name; null before. */
  agent(): string | null {
    return this.#agent;
  }

  /** Whether a model call has thrown this error. */
  isModelError(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#modelErrors.has(error);
  }

  /** The execution has thrown this error. */
  failed(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Ends the attempt: pending text is emitted, and what is reported from now on is dropped. */
  close(): void {
    this.flushText();
    this.#isOpen = false;
  }
}

/** Makes the context of one attempt at a run. */
export const createAttemptContext = (deps: AttemptContextDeps): AttemptContext => new AttemptContext(deps);
