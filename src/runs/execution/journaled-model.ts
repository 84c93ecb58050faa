import {
  type Model,
  type ModelProvider,
  type ModelRequest,
  type ModelResponse,
  Usage as SdkUsage,
  type StreamEvent,
} from '@openai/agents';
import { answererOf, isEndUnstated } from '../../providers/index.ts';
import { JournaledCall } from './journaled-call.ts';
import { type OutputItem, type ResponseDone, toModelResponse, toResponseDone } from './model-answer.ts';
import { recordRequest } from './model-request.ts';
import { type RunScope, runScope } from './run-scope.ts';

/**
 * A model whose calls within a run are recorded, and answered from the record when the run is executed again: then the
 * provider receives no request. Outside of a run it is the model itself.
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

  #guarded({ defaults }: RunScope): Model {
    return (this.#isOwn && defaults.guard?.(this.#inner, this.#name)) || this.#inner;
  }

  async #open(scope: RunScope, request: ModelRequest): Promise<JournaledCall> {
    const model = { name: this.#name, agent: scope.agent, isOwn: this.#isOwn };
    return new JournaledCall(scope, model, request, await recordRequest(scope, this.#name, request));
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    const scope = runScope.getStore();
    if (!scope) return this.#inner.getResponse(request);
    const call = await this.#open(scope, request);
    const recorded = call.recorded();
    if (recorded) return toModelResponse(recorded);
    const bounded = await call.begin();
    try {
      const response = await this.#guarded(scope).getResponse(bounded);
      const stored = scope.attempt.untilStored();
      if (stored) await stored;
      const { usage, responseId = null } = response;
      const end = isEndUnstated(response) ? ('unstated' as const) : undefined;
      const answer = { output: response.output as OutputItem[], responseId, usage, end };
      return { ...response, ...toModelResponse(call.complete(answer, answererOf(response))) };
    } catch (error) {
      return call.fail(error);
    } finally {
      await call.settle();
    }
  }

  async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
    const scope = runScope.getStore();
    if (!scope) return yield* this.#inner.getStreamedResponse(request);
    const call = await this.#open(scope, request);
    const recorded = call.recorded();
    if (recorded) return yield toResponseDone(recorded);
    const bounded = await call.begin();
    try {
      for await (const event of this.#guarded(scope).getStreamedResponse(bounded)) {
        const stored = scope.attempt.untilStored();
        if (stored) await stored;
        if (event.type === 'output_text_delta') call.textArrived(event.delta);
        else if (event.type === 'model') call.eventArrived(event.event);
        if (event.type === 'response_done') yield completed(event, call);
        else if (call.isEventDue()) yield event;
      }
    } catch (error) {
      call.fail(error);
    } finally {
      await call.settle();
    }
  }
}

function completed(event: ResponseDone, call: JournaledCall): ResponseDone {
  const { output, id, usage } = event.response;
  const answer = { output: output as OutputItem[], responseId: id, usage: new SdkUsage(usage) };
  const { response } = toResponseDone(call.complete(answer, answererOf(event)));
  return { ...event, response: { ...event.response, ...response } };
}

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

  async getModel(named = ''): Promise<Model> {
    // An agent without a model is no agent with the default model: a stored prompt of it may name another one.
    const name = named === '' && !this.#isOwn ? (runScope.getStore()?.defaults.model ?? '') : named;
    const model = await this.#inner.getModel(name);
    return model instanceof JournaledModel ? model : new JournaledModel(model, name, this.#isOwn);
  }
}

/** A provider whose models are journaled; `isOwn` if the application has brought it along. */
export const journalProvider = (inner: ModelProvider, isOwn = false): ModelProvider =>
  isJournaled(inner) ? inner : new JournaledProvider(inner, isOwn);

/** Whether every model of this provider is journaled already. */
export const isJournaled = (provider: ModelProvider): boolean => provider instanceof JournaledProvider;
