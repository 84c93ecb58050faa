import { type ModelRequest, type StreamEvent, setTracingDisabled, withTrace } from '@openai/agents';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createMetrics } from '../../src/platform/metrics/metrics.ts';
import type { SharedBreakers } from '../../src/providers/chain/breakers/shared-breakers.ts';
import { createProviderChain, type ProviderConfig } from '../../src/providers/chain/index.ts';
import type { ProviderKeyLimits } from '../../src/providers/chain/limits/concurrency-limiter.ts';
import { createProviderKeyLimits } from '../../src/providers/chain/limits/provider-key-limits.ts';
import { answererOf, type ModelCall, withModelCall } from '../../src/providers/index.ts';

/** What happened to a model call, in order. */
export type Told = { failedOver?: { from: string; to: string; reason: string }; withdrawn?: true; text?: string };

const quiet = { warn: () => {}, info: () => {} };

/** A provider at a URL, as the environment or an option would configure it. */
export const providerAt = (name: string, baseUrl: string, more: Partial<ProviderConfig> = {}): ProviderConfig => ({
  name,
  connection: { baseUrl, apiKey: `sk-${name}` },
  api: 'responses',
  models: {},
  concurrency: null,
  agents: null,
  onlyModels: null,
  ...more,
});

/** How a chain on the bench differs from its defaults. */
export type BenchOptions = {
  providers: ProviderConfig[];
  limits?: { callMs: number; firstEventMs: number; idleMs: number };
  board?: SharedBreakers;
  keys?: ProviderKeyLimits;
  clock?: Clock;
};

const usual = { callMs: 25_000, firstEventMs: 25_000, idleMs: 25_000 };

/** A chain by itself, without a service around it, and a way to ask it. Pauses have no random part. */
export function createChainBench({ providers, limits = usual, board, keys, clock = systemClock }: BenchOptions) {
  setTracingDisabled(true);
  const alone = createProviderKeyLimits({ share: null, leave: async () => {}, processId: 'p', clock, log: quiet });
  const chain = createProviderChain({
    providers,
    limits,
    board: board ?? null,
    keys: keys ?? alone,
    metrics: createMetrics(),
    clock,
    random: () => 0,
    log: quiet,
  });

  const requestOf = (message: string, signal?: AbortSignal): ModelRequest => ({
    input: [{ type: 'message', role: 'user', content: message }],
    modelSettings: {},
    tools: [],
    toolsExplicitlyProvided: false,
    outputType: 'text',
    handoffs: [],
    tracing: false,
    ...(signal ? { signal } : {}),
  });

  /** Makes one call, and returns the answer, the provider that gave it, and the notifications in between. */
  async function ask(
    streamed: boolean,
    more: Partial<ModelCall> & { message?: string; signal?: AbortSignal; model?: string } = {},
  ) {
    const { message = 'Hi', signal, model: name = 'gpt-4.1', ...facts } = more;
    const told: Told[] = [];
    const call: ModelCall = {
      agent: null,
      interactive: true,
      deadlineMs: Number.POSITIVE_INFINITY,
      failedOver: (failedOver) => told.push({ failedOver }),
      withdraw: () => told.push({ withdrawn: true }),
      ...facts,
    };
    const model = await chain.provider.getModel(name);
    const request = withModelCall(requestOf(message, signal), call);
    if (!streamed) {
      const response = await withTrace('a test', () => model.getResponse(request)); // the SDK's models insist on a trace
      return { output: response.output, by: answererOf(response), told };
    }
    let done: Extract<StreamEvent, { type: 'response_done' }> | undefined;
    for await (const event of model.getStreamedResponse(request)) {
      if (event.type === 'output_text_delta') told.push({ text: event.delta });
      if (event.type === 'response_done') done = event;
    }
    return { output: done?.response.output ?? [], by: done && answererOf(done), told };
  }

  return { chain, ask, request: requestOf };
}
