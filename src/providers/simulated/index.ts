/** The model that answers in development while there is no API key. */
import type { ModelProvider } from '@openai/agents';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { createSimulatedModel } from './model.ts';

export { simulatedMark } from './answer.ts';

/** How the simulated model streams. */
export type SimulatedModelOptions = {
  /** Waits between the words of a stream. Defaults to the machine's clock. */
  clock?: Clock;
  /** How long the stream waits before each word, in ms. Defaults to 15, so that a person sees it stream; 0 for tests. */
  wordDelayMs?: number;
};

/**
 * A model provider that needs no network: whatever name is asked for, one deterministic model answers by the words of
 * the message. It hands off, calls function tools and answers in text or in the agent's output type, for any agents.
 * Answers in text begin with `[simulated] `.
 */
export function createSimulatedModelProvider({
  clock = systemClock,
  wordDelayMs = 15,
}: SimulatedModelOptions = {}): ModelProvider {
  const model = createSimulatedModel({ clock, wordDelayMs });
  return { getModel: () => model };
}
