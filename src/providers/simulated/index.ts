/** The model that answers in development without an API key. */
import type { ModelProvider } from '@openai/agents';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { createSimulatedModel } from './model.ts';

export { simulatedMark } from './answer.ts';

/** Options of the simulated model. */
export type SimulatedModelOptions = {
  /** The clock for the delay between the words of a stream. Defaults to the system clock. */
  clock?: Clock;
  /** The delay before each word of a stream, in ms. Defaults to 15, so that a person sees it stream; 0 for tests. */
  wordDelayMs?: number;
};

/**
 * A model provider without a network: for every model name, one deterministic model answers by the words of the message.
 * It hands off, calls function tools, and answers in text or in the agent's output type, for any agents. Text answers
 * begin with `[simulated] `.
 */
export function createSimulatedModelProvider({
  clock = systemClock,
  wordDelayMs = 15,
}: SimulatedModelOptions = {}): ModelProvider {
  const model = createSimulatedModel({ clock, wordDelayMs });
  return { getModel: () => model };
}
