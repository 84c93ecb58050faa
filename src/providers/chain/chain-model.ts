import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { modelCallOf, signAnswer } from '../model-call.ts';
import { type Deployment, type Deployments, servesAgent, servesModel } from './deployments/deployment.ts';
import { createFailover, type FailoverDeps } from './failover.ts';

/** What a chain of providers stands on. */
export type ChainDeps = FailoverDeps & {
  /** The providers in the order in which they are asked. */
  providers: readonly Deployments[];
};

/** The SDK asks whether it may try again by itself. It may not: whatever made sense was tried here. */
const noFurtherRetry = { suggested: false, replaySafety: 'unsafe', reason: 'the service has tried again' } as const;

/** A model, by the name that agents use, that the providers answer for in turn. */
export function createChainModel(deps: ChainDeps, name: string): Model {
  const providers = deps.providers.filter(({ config }) => servesModel(config, name));
  /** One for each provider, made with the first request. */
  let deployments: Deployment[] | null = null;

  async function begin(request: ModelRequest, streamed: boolean) {
    const agent = modelCallOf(request)?.agent ?? null;
    deployments ??= await Promise.all(providers.map((provider) => provider.deploymentFor(name)));
    const open = deployments.filter((_, index) => servesAgent((providers[index] as Deployments).config, agent));
    return createFailover(deps, open, request, streamed);
  }

  return {
    async getResponse(request: ModelRequest): Promise<ModelResponse> {
      const pursuit = await begin(request, false);
      for (;;) {
        const attempt = await pursuit.next();
        try {
          const response = await attempt.respond();
          attempt.answered(response.usage.inputTokens);
          return signAnswer(response, attempt.deployment);
        } catch (error) {
          await attempt.failed(error);
        }
      }
    },

    async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
      const pursuit = await begin(request, true);
      for (;;) {
        const attempt = await pursuit.next();
        let over = false;
        let inputTokens = 0;
        try {
          for (let event = await attempt.next(); event !== null; event = await attempt.next()) {
            if (event.type === 'response_done') inputTokens = event.response.usage.inputTokens;
            yield event.type === 'response_done' ? signAnswer(event, attempt.deployment) : event;
          }
          over = true;
          attempt.answered(inputTokens);
          return;
        } catch (error) {
          over = true;
          await attempt.failed(error);
        } finally {
          if (!over) attempt.abandoned();
        }
      }
    },

    getRetryAdvice: () => noFurtherRetry,

    // A prompt that is kept at OpenAI may name the model, which only the Responses API knows.
    supportsPromptModelSelection: providers[0]?.config.api === 'responses',
  };
}
