import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { modelCallOf, signAnswer } from '../model-call.ts';
import { type Deployment, type Deployments, servesAgent, servesModel } from './deployments/deployment.ts';
import { Failover, type FailoverDeps } from './failover.ts';

/** Dependencies of the models of a provider chain. */
export type ChainDeps = FailoverDeps & {
  /** The providers in the order in which they are asked. */
  providers: readonly Deployments[];
};

/** The SDK asks whether it may retry by itself. It may not: the chain has made all useful retries. */
const noFurtherRetry = { suggested: false, replaySafety: 'unsafe', reason: 'the service has tried again' } as const;

/** A model, by the name that agents use: the providers are asked for it in turn. */
export function createChainModel(deps: ChainDeps, name: string): Model {
  const providers = deps.providers.filter(({ config }) => servesModel(config, name));
  /** One for each provider, made with the first request. */
  let deployments: Deployment[] | null = null;

  async function createFailover(request: ModelRequest, streamed: boolean) {
    const agent = modelCallOf(request)?.agent ?? null;
    deployments ??= await Promise.all(providers.map((provider) => provider.deploymentFor(name)));
    const permitted = deployments.filter((_, index) => servesAgent((providers[index] as Deployments).config, agent));
    return new Failover(deps, permitted, request, streamed);
  }

  return {
    async getResponse(request: ModelRequest): Promise<ModelResponse> {
      const failover = await createFailover(request, false);
      for (;;) {
        const attempt = await failover.nextAttempt();
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
      const failover = await createFailover(request, true);
      for (;;) {
        const attempt = await failover.nextAttempt();
        let hasEnded = false;
        let inputTokens = 0;
        try {
          for (let event = await attempt.next(); event !== null; event = await attempt.next()) {
            if (event.type === 'response_done') inputTokens = event.response.usage.inputTokens;
            yield event.type === 'response_done' ? signAnswer(event, attempt.deployment) : event;
          }
          hasEnded = true;
          attempt.answered(inputTokens);
          return;
        } catch (error) {
          hasEnded = true;
          await attempt.failed(error);
        } finally {
          if (!hasEnded) attempt.abandoned();
        }
      }
    },

    getRetryAdvice: () => noFurtherRetry,

    // A prompt that is kept at OpenAI may name the model; only the Responses API tells which.
    supportsPromptModelSelection: providers[0]?.config.api === 'responses',
  };
}
