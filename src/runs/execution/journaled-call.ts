import type { ModelRequest } from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import type { RequestedModel } from '../../providers/index.ts';
import { type Answerer, type ModelCall, withModelCall } from '../../providers/index.ts';
import type { Json, Usage } from '../../storage/port/index.ts';
import { AnswerEvents, type RawEvent } from './answer-events.ts';
import { type CallReservation, reserveForCall } from './budget-reservation.ts';
import { mendAnswer } from './mended-answer.ts';
import {
  assertToolCallsBounded,
  type ModelAnswer,
  recordedAnswerOf,
  textOf,
  toRecordedOutput,
  toUsage,
} from './model-answer.ts';
import type { RecordedRequest } from './model-request.ts';
import type { RunScope } from './run-scope.ts';
import type { AgentAnswer } from './side-text.ts';

type ProviderError = ServiceError & { extras: { retryAfterMs: number } };

/** Whether no provider could answer, and one may later. */
const isProviderError = (error: unknown): error is ProviderError =>
  error instanceof ServiceError &&
  (error.code === 'provider_unavailable' || error.code === 'provider_error') &&
  error.extras.retryAfterMs !== undefined;

/** The least interval between events of a stream that the SDK sees where no caller reads them, in ms. */
const sdkEventIntervalMs = 20;

/** One call of a model within a run: answered from the journal, or carried out and recorded. */
export class JournaledCall {
  readonly #scope: RunScope;
  readonly #model: RequestedModel;
  readonly #request: ModelRequest;
  readonly #key: string;
  readonly #recorded: RecordedRequest;
  readonly #number: number;
  readonly #startedAtMs: number;
  readonly #agentAnswer: AgentAnswer;
  readonly #events: AnswerEvents;
  #emittedText = '';
  #nextSdkEventMs = Number.NEGATIVE_INFINITY;
  #reservation: CallReservation | null = null;

  /** @param recorded what the journal keeps of the request */
  constructor(scope: RunScope, model: RequestedModel, request: ModelRequest, recorded: RecordedRequest) {
    const { attempt } = scope;
    this.#scope = scope;
    this.#model = model;
    this.#request = request;
    this.#recorded = recorded;
    this.#key = `m:${scope.path}:${scope.modelCalls}`;
    this.#number = attempt.journal.stepNumber(this.#key);
    this.#startedAtMs = attempt.clock.nowMs();
    this.#agentAnswer = { step: this.#number, scope: scope.path, agent: scope.agent };
    this.#events = new AnswerEvents(attempt, { step: this.#number, isOwn: this.#isOwn() });
  }

  /** The answer that an earlier attempt recorded. */
  recorded(): ModelAnswer | null {
    const { attempt } = this.#scope;
    const step = attempt.journal.find(this.#key);
    if (step?.status !== 'completed') return null;
    attempt.journal.replayed(step, step.requestDigest !== this.#recorded.digest);
    this.#scope.modelCalls += 1;
    attempt.modelAnswered(true, this.#scope);
    const answer = recordedAnswerOf(step);
    for (const { callId } of answer.output) if (callId) attempt.callIds.add(callId);
    attempt.answerParts.add(attempt.run.id, step.step, answer.output, this.#isOwn());
    return answer;
  }

  /**
   * Begins to carry the call out: from here on it must be ended by `settle`. Returns the request for the model.
   *
   * @throws {ServiceError} `budget_exceeded`, `store_unavailable`
   */
  async begin(): Promise<ModelRequest> {
    const { attempt } = this.#scope;
    attempt.beginStep(this.#scope.uncounted, this.#scope.isPart);
    try {
      this.#reservation = await reserveForCall(this.#scope, this.#key, this.#model, this.#request);
      return withModelCall(this.#reservation?.request ?? this.#request, this.#toModelCall());
    } catch (error) {
      attempt.endStep();
      throw error;
    }
  }

  /**
   * Whether the SDK is to see the current event of the stream. A caller may read the stream of an agent used as a tool.
   * No caller reads the stream of the run itself, and each event takes a long way through the SDK. There the SDK only
   * checks its guardrails meanwhile, which it does whenever it sees an event.
   */
  isEventDue(): boolean {
    if (!this.#isOwn()) return true;
    const nowMs = this.#scope.attempt.clock.monotonicMs();
    if (nowMs < this.#nextSdkEventMs) return false;
    this.#nextSdkEventMs = nowMs + sdkEventIntervalMs;
    return true;
  }

  /** A piece of text arrived. */
  textArrived(delta: string): void {
    this.#emittedText += delta;
    this.#emitText(delta);
  }

  /** An event arrived as the provider sent it. */
  eventArrived(event: unknown): void {
    this.#events.see(event as RawEvent);
  }

  /** The answer is complete. Records it, and returns it mended and with call ids that are unique in the run. */
  complete(answered: ModelAnswer, answerer: Answerer | undefined): ModelAnswer {
    const { attempt } = this.#scope;
    const { output, ...rest } = mendAnswer(answered);
    const unique = { ...rest, output: attempt.callIds.uniqueIn(output) };
    const text = textOf(unique.output);
    const usage = toUsage(unique.usage);
    const costUsd = this.#costUsdOf(usage, answerer);
    this.#reservation?.answered(usage, costUsd, text);
    assertToolCallsBounded(output);
    if (!attempt.isOpen()) return unique;
    this.#events.complete(output);
    attempt.answerParts.add(attempt.run.id, this.#number, unique.output, this.#isOwn());
    // A last event may have more than came in pieces.
    if (text.length > this.#emittedText.length && text.startsWith(this.#emittedText)) {
      this.#emitText(text.slice(this.#emittedText.length));
    }
    attempt.flushText();
    this.#record(toRecordedOutput(unique), answerer, usage, costUsd);
    this.#scope.modelCalls += 1;
    attempt.modelAnswered(false, this.#scope);
    return unique;
  }

  /** The call failed: it takes no position in the journal, and its text that was shown is withdrawn. */
  fail(thrown: unknown): never {
    const { attempt } = this.#scope;
    const error = this.#reservation?.explain(thrown) ?? thrown;
    this.#reservation?.brokeOff(this.#emittedText);
    attempt.modelFailed(error, this.#scope);
    if (!attempt.signal.aborted) this.#withdraw();
    if (isProviderError(error)) {
      const isOutage = error.code === 'provider_unavailable';
      attempt.providersDown(error.extras.retryAfterMs, isOutage, this.#scope.uncounted);
    }
    throw error;
  }

  /** Ends the call, successful or not: its step is over, and what it did not spend of its reservation is released. */
  settle(): Promise<void> | undefined {
    this.#scope.attempt.endStep();
    return this.#reservation?.settle();
  }

  /** Whether the run itself makes the call, and not an agent used as a tool. */
  #isOwn(): boolean {
    return this.#scope.path === '';
  }

  /** Emits text: of the run itself for the user, of agents used as tools for those who have asked for it. */
  #emitText(delta: string): void {
    const { attempt } = this.#scope;
    if (this.#isOwn()) attempt.emitText(this.#number, delta);
    else if (attempt.includesAgentText() && delta !== '') attempt.sideText().addAgentText(this.#agentAnswer, delta);
  }

  /** Withdraws what was shown of the answer. */
  #withdraw(): void {
    const { attempt } = this.#scope;
    if (!attempt.isOpen()) return;
    const hadReasoning = this.#events.withdraw();
    const hadText = this.#emittedText !== '';
    this.#emittedText = '';
    if (this.#isOwn()) {
      if (hadText || hadReasoning) attempt.resetText(this.#number, 'provider');
    } else if (hadText && attempt.includesAgentText()) {
      attempt.sideText().resetAgentText(this.#agentAnswer, 'provider');
    }
  }

  /** What a provider has to know of the call, and what it calls back. */
  #toModelCall(): ModelCall {
    const { attempt } = this.#scope;
    return {
      agent: this.#model.agent,
      tellsUnknownTools: this.#scope.tellsUnknownTools,
      interactive: attempt.run.mode !== 'background',
      deadlineMs: attempt.deadlineMs,
      failedOver: (change) => attempt.failedOver(change),
      withdrawText: () => this.#withdraw(),
    };
  }

  /** Unknown, thus null, for an answer without a provider's name (the simulated model's) or without tokens. */
  #costUsdOf(usage: Usage, answerer: Answerer | undefined): number | null {
    const isPriced = answerer !== undefined && usage.totalTokens > 0;
    return isPriced ? (this.#scope.defaults.costOf?.(answerer, usage) ?? null) : null;
  }

  #record(output: Json, answerer: Answerer | undefined, usage: Usage, costUsd: number | null): void {
    const { path, agent, attempt } = this.#scope;
    const { name } = this.#model;
    attempt.journal.record(
      {
        key: this.#key,
        kind: 'model_call',
        scope: path,
        name,
        agent,
        callId: null,
        effect: null,
        input: this.#recorded.input,
        requestDigest: this.#recorded.digest,
      },
      this.#number,
      this.#startedAtMs,
      {
        status: 'completed',
        output,
        provider: answerer?.provider ?? null,
        model: answerer?.model ?? name,
        usage,
        costUsd,
      },
    );
  }
}
