import type { ModelRequest } from '@openai/agents';

/** What those who answer a model call have to know beside the request, and to whom they tell what happens to it. */
export type ModelCall = {
  /** The agent that asks, by its own name; null where nobody knows. */
  agent: string | null;
  /** Whether somebody waits for the answer; who does goes first. */
  interactive: boolean;
  /** When the run's time is over, on the monotonic clock. */
  deadlineMs: number;
  /** Another provider takes the call over from here on. */
  failedOver(change: { from: string; to: string; reason: string }): void;
  /** Text that was given so far counts no more: the answer begins anew. */
  withdraw(): void;
};

/** Who answered a model call. */
export type Answerer = {
  /** The provider's configured name. */
  provider: string;
  /** The model as the provider calls it. */
  model: string;
};

// Registered with Symbol.for: a second copy of this package in the process reads what the first one wrote.
const callKey = Symbol.for('agent-service.model-call');
const answererKey = Symbol.for('agent-service.answerer');

/** The request, with what is known of the call. */
export const withModelCall = (request: ModelRequest, call: ModelCall): ModelRequest =>
  ({ ...request, [callKey]: call }) as ModelRequest;

/** What is known of the call; undefined outside of a run. */
export const modelCallOf = (request: ModelRequest): ModelCall | undefined =>
  (request as { [callKey]?: ModelCall })[callKey];

/** Notes on an answer, or on the event that holds it, who gave it. */
export function signAnswer<Answer extends object>(answer: Answer, answerer: Answerer): Answer {
  return Object.defineProperty(answer, answererKey, { value: answerer, configurable: true });
}

/** Who gave an answer; undefined where nobody signed it. */
export const answererOf = (answer: object): Answerer | undefined =>
  (answer as { [answererKey]?: Answerer })[answererKey];
