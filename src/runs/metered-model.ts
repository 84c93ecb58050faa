import {
  type Model,
  type ModelProvider,
  type ModelRequest,
  type ModelResponse,
  Usage as SdkUsage,
  type StreamEvent,
} from '@openai/agents';
import type { Usage } from '../storage/port/index.ts';
import { runScope } from './scope.ts';

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

type OutputItem = { type?: string; content?: unknown };
type TextPart = { type?: string; text?: string };

/** The text of a model's answer, for calls that did not tell it piece by piece. */
function textOf(output: readonly OutputItem[]): string {
  const parts = output.flatMap((item) => (item.type === 'message' ? (item.content as TextPart[]) : []));
  return parts.map((part) => (part.type === 'output_text' ? (part.text ?? '') : '')).join('');
}

/**
 * A model that reports each of its calls to the run in whose scope the call is made. Outside of a run it is the model
 * itself.
 */
class MeteredModel implements Model {
  readonly #inner: Model;
  readonly #name: string;
  readonly getRetryAdvice: Model['getRetryAdvice'];
  readonly supportsPromptModelSelection?: boolean;

  constructor(inner: Model, name: string) {
    this.#inner = inner;
    this.#name = name;
    this.getRetryAdvice = inner.getRetryAdvice?.bind(inner);
    if (inner.supportsPromptModelSelection !== undefined) {
      this.supportsPromptModelSelection = inner.supportsPromptModelSelection;
    }
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    const scope = runScope.getStore();
    if (!scope) return this.#inner.getResponse(request);
    const step = scope.recorder.modelCallStarted();
    try {
      const response = await this.#inner.getResponse(request);
      scope.recorder.textDelta(scope.path, step, textOf(response.output));
      scope.recorder.modelCallCompleted(this.#name, toUsage(response.usage));
      return response;
    } catch (error) {
      scope.recorder.modelCallFailed(error);
      throw error;
    }
  }

  async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
    const scope = runScope.getStore();
    if (!scope) return yield* this.#inner.getStreamedResponse(request);
    const step = scope.recorder.modelCallStarted();
    let piecewise = false;
    try {
      for await (const event of this.#inner.getStreamedResponse(request)) {
        if (event.type === 'output_text_delta') {
          piecewise = true;
          scope.recorder.textDelta(scope.path, step, event.delta);
        } else if (event.type === 'response_done') {
          if (!piecewise) scope.recorder.textDelta(scope.path, step, textOf(event.response.output));
          scope.recorder.modelCallCompleted(this.#name, toUsage(new SdkUsage(event.response.usage)));
        }
        yield event;
      }
    } catch (error) {
      scope.recorder.modelCallFailed(error);
      throw error;
    }
  }
}

/** Meters one model, once: a model that is metered already is returned as it is. */
export const meterModel = (model: Model, name: string): Model =>
  model instanceof MeteredModel ? model : new MeteredModel(model, name);

class MeteredProvider implements ModelProvider {
  readonly #inner: ModelProvider;

  constructor(inner: ModelProvider) {
    this.#inner = inner;
  }

  async getModel(name?: string): Promise<Model> {
    return meterModel(await this.#inner.getModel(name), name ?? '');
  }
}

/** A provider whose models are metered. */
export const meterProvider = (inner: ModelProvider): ModelProvider =>
  isMetered(inner) ? inner : new MeteredProvider(inner);

/** Whether every model of this provider is metered already. */
export const isMetered = (provider: ModelProvider): boolean => provider instanceof MeteredProvider;
