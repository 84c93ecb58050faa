import {
  type AgentInputItem,
  type ModelRequest,
  type StreamEvent,
  setTracingDisabled,
  withTrace,
} from '@openai/agents';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createMetrics } from '../../src/platform/metrics/metrics.ts';
import type { SharedBreakers } from '../../src/providers/chain/breakers/shared-breakers.ts';
import { createProviderChain, type ProviderConfig } from '../../src/providers/chain/index.ts';
import type { ProviderKeyLimits } from '../../src/providers/chain/limits/concurrency-limiter.ts';
import { createProviderKeyLimits } from '../../src/providers/chain/limits/provider-key-limits.ts';
import { answererOf, type ModelCall, withModelCall } from '../../src/providers/index.ts';
import { requestOf } from './model-calls.ts';

/** What a model call reported, in order. */
export type CallReport = { failedOver?: { from: string; to: string; reason: string }; withdrawn?: true; text?: string };

const quiet = { warn: () => {}, info: () => {} };

/** A provider at a URL, as the environment or an option configures it. */
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

/** Options of a chain under test; limits are 25 s by default. */
export type BenchOptions = {
  providers: ProviderConfig[];
  limits?: { callMs: number; firstEventMs: number; idleMs: number };
  sharedBreakers?: SharedBreakers;
  keyLimits?: ProviderKeyLimits;
  clock?: Clock;
};

const defaultLimits = { callMs: 25_000, firstEventMs: 25_000, idleMs: 25_000 };

/** The one tool that the requests have. */
const lookTool = {
  type: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
  strict: false,
} as unknown as ModelRequest['tools'][number];

/** A provider chain without a service, and a function that asks it. Pauses have no random part. */
export function createChainBench(options: BenchOptions) {
  const { providers, limits = defaultLimits, sharedBreakers = null, keyLimits, clock = systemClock } = options;
  setTracingDisabled(true);
  const ownKeyLimits = createProviderKeyLimits({
    share: null,
    leave: async () => {},
    processId: 'p',
    clock,
    log: quiet,
  });
  const chain = createProviderChain({
    providers,
    limits,
    sharedBreakers,
    keys: keyLimits ?? ownKeyLimits,
    metrics: createMetrics(),
    clock,
    random: () => 0,
    log: quiet,
  });

  const requestWith = (message: string, signal?: AbortSignal, history: AgentInputItem[] = []): ModelRequest =>
    requestOf({
      tools: [lookTool],
      input: [{ type: 'message', role: 'user', content: message }, ...history],
      ...(signal ? { signal } : {}),
    });

  /** Makes one model call. Returns the answer, who gave it, and what the call reported. */
  async function ask(
    streamed: boolean,
    more: Partial<ModelCall> & {
      message?: string;
      history?: AgentInputItem[];
      signal?: AbortSignal;
      model?: string;
    } = {},
  ) {
    const { message = 'Hi', history, signal, model: name = 'gpt-4.1', ...callOptions } = more;
    const reports: CallReport[] = [];
    const call: ModelCall = {
      agent: null,
      interactive: true,
      deadlineMs: Number.POSITIVE_INFINITY,
      failedOver: (failedOver) => reports.push({ failedOver }),
      withdrawText: () => reports.push({ withdrawn: true }),
      ...callOptions,
    };
    const model = await chain.provider.getModel(name);
    const request = withModelCall(requestWith(message, signal, history), call);
    if (!streamed) {
      const response = await withTrace('a test', () => model.getResponse(request)); // the SDK's models require a trace
      return { output: response.output, by: answererOf(response), reports };
    }
    let done: Extract<StreamEvent, { type: 'response_done' }> | undefined;
    for await (const event of model.getStreamedResponse(request)) {
      if (event.type === 'output_text_delta') reports.push({ text: event.delta });
      if (event.type === 'response_done') done = event;
    }
    return { output: done?.response.output ?? [], by: done && answererOf(done), reports };
  }

  return { chain, ask, request: requestWith };
}
