import { hash } from 'node:crypto';
import {
  type Model,
  type ModelProvider,
  type ModelRequest,
  type ModelResponse,
  Usage as SdkUsage,
  type StreamEvent,
} from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import { type Answerer, answererOf, type ModelCall, withModelCall } from '../../providers/index.ts';
import { type Json, JsonText, type Step, type Usage } from '../../storage/port/index.ts';
import { type CallReservation, reserveForCall } from './budget-reservation.ts';
import { type RunScope, runScope } from './run-scope.ts';

const sumOf = (details: Record<string, number>[] | undefined, key: string) =>
  (details ?? []).reduce((sum, entry) => sum + (entry[key] ?? 0), 0);

/** The SDK's account of one model call, as the service books it. */
export function toUsage(usage: SdkUsage): Usage {
  return {
    requests: 1,
    inputTokens: usage.inputTokens,
    cachedInputTokens: sumOf(usage.inputTokensDetails, 'cached_tokens'),
    outputTokens: usage.outputTokens,
    reasoningTokens: sumOf(usage.outputTokensDetails, 'reasoning_tokens'),
    totalTokens: usage.totalTokens,
  };
}

type OutputItem = { type?: string; content?: unknown; callId?: string };
type TextPart = { type?: string; text?: string };
type Answer = { output: OutputItem[]; responseId: string | null; usage: SdkUsage };

/** What of an answer is recorded: all that the SDK needs to go on with it. */
type RecordedAnswer = { output: OutputItem[]; response_id: string | null; usage: object };

/** The text of a model's answer, for calls that did not tell it piece by piece. */
function textOf(output: readonly OutputItem[]): string {
  const parts = output.flatMap((item) => (item.type === 'message' ? (item.content as TextPart[]) : []));
  return parts.map((part) => (part.type === 'output_text' ? (part.text ?? '') : '')).join('');
}

/** Tools that one answer of a model may call: all of them are carried out at the same time. */
const toolCallsMax = 128;

/** @throws {ServiceError} `provider_error` */
function assertBounded(output: readonly OutputItem[]): void {
  const calls = output.filter(({ callId }) => callId !== undefined).length;
  if (calls <= toolCallsMax) return;
  const reason = `The model called ${calls} tools in one answer; ${toolCallsMax} are the most.`;
  throw new ServiceError('provider_error', { reason });
}

/** What of a request shapes the answer. An allow-list: requests also carry spans, signals and functions. */
function digestOf(name: string, request: ModelRequest): string {
  const { retry: _, ...settings } = request.modelSettings;
  const { systemInstructions, input, previousResponseId, conversationId, tools, handoffs, outputType, prompt } =
    request;
  const shape = [name, settings, systemInstructions, input, previousResponseId, conversationId, tools, handoffs];
  return hash('sha256', JSON.stringify([...shape, outputType, prompt]), 'base64url');
}

/** The items of a request that the ones before it in its scope did not have. */
function newInput(scope: RunScope, { input }: ModelRequest): Json {
  if (typeof input === 'string') return input;
  const items = input.slice(Math.min(scope.itemsSeen, input.length));
  scope.itemsSeen = input.length;
  return new JsonText(items);
}

type ProviderError = ServiceError & { extras: { retryAfterMs: number } };

/** Whether no provider could answer, and one may later. */
const isOfProvider = (error: unknown): error is ProviderError =>
  error instanceof ServiceError &&
  (error.code === 'provider_unavailable' || error.code === 'provider_error') &&
  error.extras.retryAfterMs !== undefined;

/** After an event of a model's stream the SDK is shown none for so long, in ms, where nobody reads them. */
const quietMs = 20;

/** One call of a model within a run. */
function beginCall(scope: RunScope, name: string, request: ModelRequest, isOwn: boolean) {
  const { activity } = scope;
  const { journal } = activity;
  const key = `m:${scope.path}:${scope.modelCalls}`;
  const requestDigest = digestOf(name, request);
  const input = newInput(scope, request);
  const number = journal.stepNumber(key);
  const startedAtMs = activity.clock.nowMs();
  let spoken = '';
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  let paid: CallReservation | null = null;

  /** Text that was shown counts no more. */
  function withdraw(): void {
    if (spoken !== '' && scope.path === '') activity.resetText(number, 'provider');
    spoken = '';
  }

  /** What those who answer have to know, and to whom they tell what happens. */
  const told: ModelCall = {
    agent: scope.agent,
    interactive: activity.run.mode !== 'background',
    deadlineMs: activity.deadlineMs,
    failedOver: (change) => activity.failedOver(change),
    withdraw,
  };

  return {
    /** The answer that an earlier attempt recorded. */
    recorded(): Answer | null {
      const step = journal.find(key);
      if (step?.status !== 'completed') return null;
      journal.replayed(step, step.requestDigest !== requestDigest);
      scope.modelCalls += 1;
      activity.modelAnswered(true);
      return toAnswer(step, scope);
    },

    /**
     * Whether the SDK is to see what the model streams at this moment. Agents used as tools may have somebody who reads
     * it; of the run itself nobody does, and each event goes a long way there. Then the SDK only looks after its
     * guardrails meanwhile, which it does when it sees an event.
     */
    isDue(): boolean {
      if (scope.path !== '') return true;
      const nowMs = activity.clock.monotonicMs();
      if (nowMs < quietUntilMs) return false;
      quietUntilMs = nowMs + quietMs;
      return true;
    },

    /** A piece of text arrived. */
    speak(delta: string): void {
      spoken += delta;
      activity.textDelta(scope.path, number, delta);
    },

    /** The answer is whole. Records it, and returns it with call ids that are unique in the run. */
    complete({ output, responseId, usage }: Answer, answerer: Answerer | undefined): OutputItem[] {
      const unique = output.map((item) =>
        item.callId ? { ...item, callId: activity.uniqueCallId(item.callId) } : item,
      );
      const text = textOf(unique);
      const used = toUsage(usage);
      // Nobody knows what an answer costs that nobody signed, as the simulated model's, or whose tokens were not told.
      const isPriced = answerer !== undefined && used.totalTokens > 0;
      const costUsd = isPriced ? (scope.defaults.costOf?.(answerer, used) ?? null) : null;
      paid?.answered(used, costUsd, text);
      assertBounded(output);
      if (!activity.isOpen()) return unique;
      if (spoken === '') activity.textDelta(scope.path, number, text);
      activity.flushText();
      const recordedAnswer: RecordedAnswer = { output: unique, response_id: responseId, usage };
      journal.record(
        {
          key,
          kind: 'model_call',
          scope: scope.path,
          name,
          agent: scope.agent,
          callId: null,
          effect: null,
          input,
          requestDigest,
        },
        number,
        startedAtMs,
        {
          status: 'completed',
          output: new JsonText(recordedAnswer),
          provider: answerer?.provider ?? null,
          model: answerer?.model ?? name,
          usage: used,
          costUsd,
        },
      );
      scope.modelCalls += 1;
      activity.modelAnswered(false);
      return unique;
    },

    /** The call failed: it takes no position, and text that was shown of it counts no more. */
    fail(thrown: unknown): never {
      const error = paid?.judge(thrown) ?? thrown;
      paid?.brokeOff(spoken);
      activity.modelFailed(error);
      if (!activity.signal.aborted) withdraw();
      if (isOfProvider(error)) activity.providersDown(error.extras.retryAfterMs, error.code === 'provider_unavailable');
      throw error;
    },

    /**
     * Begins to carry the call out: from here on it has to be over some time, too. Returns what is to be asked.
     *
     * @throws {ServiceError} `budget_exceeded`, `store_unavailable`
     */
    async begin(): Promise<ModelRequest> {
      activity.beginStep();
      try {
        paid = await reserveForCall(scope, key, { name, agent: scope.agent, isOwn }, request);
        return withModelCall(paid?.request ?? request, told);
      } catch (error) {
        activity.endStep();
        throw error;
      }
    },

    /** The call is over, whatever became of it. */
    over(): Promise<void> | undefined {
      activity.endStep();
      return paid?.settle();
    },
  };
}

function toAnswer({ output }: Step, { activity }: RunScope): Answer {
  const answer = (output instanceof JsonText ? output.toJSON() : output) as RecordedAnswer;
  for (const { callId } of answer.output) if (callId) activity.knownCallId(callId);
  return { output: answer.output, responseId: answer.response_id, usage: new SdkUsage(answer.usage) };
}

/**
 * A model whose calls within a run are recorded, and answered from the record when the run is executed again: then the
 * provider sees no request. Outside of a run it is the model itself.
 */
class JournaledModel implements Model {
  readonly #inner: Model;
  readonly #name: string;
  readonly #isOwn: boolean;
  readonly getRetryAdvice: Model['getRetryAdvice'];
  readonly supportsPromptModelSelection?: boolean;

  /** @param isOwn whether the application has brought the model along: then the service guards it */
  constructor(inner: Model, name: string, isOwn: boolean) {
    this.#inner = inner;
    this.#name = name;
    this.#isOwn = isOwn;
    this.getRetryAdvice = inner.getRetryAdvice?.bind(inner);
    if (inner.supportsPromptModelSelection !== undefined) {
      this.supportsPromptModelSelection = inner.supportsPromptModelSelection;
    }
  }

  #askedIn({ defaults }: RunScope): Model {
    return (this.#isOwn && defaults.guard?.(this.#inner, this.#name)) || this.#inner;
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    const scope = runScope.getStore();
    if (!scope) return this.#inner.getResponse(request);
    const call = beginCall(scope, this.#name, request, this.#isOwn);
    const recorded = call.recorded();
    if (recorded) return toModelResponse(recorded);
    const asked = await call.begin();
    try {
      const response = await this.#askedIn(scope).getResponse(asked);
      const storing = scope.activity.storing();
      if (storing) await storing;
      const { usage, responseId = null } = response;
      const answer = { output: response.output as OutputItem[], responseId, usage };
      const output = call.complete(answer, answererOf(response));
      return { ...response, output: output as ModelResponse['output'] };
    } catch (error) {
      return call.fail(error);
    } finally {
      await call.over();
    }
  }

  async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
    const scope = runScope.getStore();
    if (!scope) return yield* this.#inner.getStreamedResponse(request);
    const call = beginCall(scope, this.#name, request, this.#isOwn);
    const recorded = call.recorded();
    if (recorded) return yield toResponseDone(recorded);
    const asked = await call.begin();
    try {
      for await (const event of this.#askedIn(scope).getStreamedResponse(asked)) {
        const storing = scope.activity.storing();
        if (storing) await storing;
        if (event.type === 'output_text_delta') call.speak(event.delta);
        if (event.type === 'response_done') yield completed(event, call);
        else if (call.isDue()) yield event;
      }
    } catch (error) {
      call.fail(error);
    } finally {
      await call.over();
    }
  }
}

type ResponseDone = Extract<StreamEvent, { type: 'response_done' }>;

function completed(event: ResponseDone, call: ReturnType<typeof beginCall>): ResponseDone {
  const { output, id, usage } = event.response;
  const answer = { output: output as OutputItem[], responseId: id, usage: new SdkUsage(usage) };
  const unique = call.complete(answer, answererOf(event));
  return { ...event, response: { ...event.response, output: unique as ResponseDone['response']['output'] } };
}

const toModelResponse = ({ output, responseId, usage }: Answer): ModelResponse => ({
  output: output as ModelResponse['output'],
  usage,
  ...(responseId === null ? {} : { responseId }),
});

const toResponseDone = ({ output, responseId, usage }: Answer): StreamEvent => ({
  type: 'response_done',
  response: {
    id: responseId ?? '',
    output: output as ResponseDone['response']['output'],
    usage: { ...usage } as never,
  },
});

/** Journals a model that the application brings along, once: one that is journaled already is returned as it is. */
export const journalModel = (model: Model, name: string): Model =>
  model instanceof JournaledModel ? model : new JournaledModel(model, name, true);

class JournaledProvider implements ModelProvider {
  readonly #inner: ModelProvider;
  readonly #isOwn: boolean;

  constructor(inner: ModelProvider, isOwn: boolean) {
    this.#inner = inner;
    this.#isOwn = isOwn;
  }

  async getModel(name?: string): Promise<Model> {
    const model = await this.#inner.getModel(name);
    return model instanceof JournaledModel ? model : new JournaledModel(model, name ?? '', this.#isOwn);
  }
}

/** A provider whose models are journaled; `isOwn` if the application has brought it along. */
export const journalProvider = (inner: ModelProvider, isOwn = false): ModelProvider =>
  isJournaled(inner) ? inner : new JournaledProvider(inner, isOwn);

/** Whether every model of this provider is journaled already. */
export const isJournaled = (provider: ModelProvider): boolean => provider instanceof JournaledProvider;
