import type { ModelRequest } from '@openai/agents';

/** What a provider needs to know about a model call besides the request, and callbacks for events of the call. */
export type ModelCall = {
  /** The name of the agent that makes the call; null if it is unknown. */
  agent: string | null;
  /**
   * Whether the SDK tells the model of calls of functions that the agent does not have (`toolNotFoundBehavior`); else such a
   * call makes the answer useless. Defaults to false.
   */
  tellsUnknownTools?: boolean;
  /** Whether a client waits for the answer. Interactive calls have priority. */
  interactive: boolean;
  /** The deadline of the run, on the monotonic clock. */
  deadlineMs: number;
  /** Reports a failover: another provider continues the call. */
  failedOver(change: { from: string; to: string; reason: string }): void;
  /** Discards the text that was streamed so far: the answer starts again. */
  withdrawText(): void;
};

/** The provider and the model that answered a call. */
export type Answerer = {
  /** The provider's configured name. */
  provider: string;
  /** The provider's name for the model. */
  model: string;
};

// Registered with Symbol.for: a second copy of this package in the process reads what the first one wrote.
const callKey = Symbol.for('agent-service.model-call');
const answererKey = Symbol.for('agent-service.answerer');

const endUnstatedKey = Symbol.for('agent-service.end-unstated');

/** Attaches the facts about the call to a request. */
export const withModelCall = (request: ModelRequest, call: ModelCall): ModelRequest =>
  ({ ...request, [callKey]: call }) as ModelRequest;

/** The facts about the call of a request; undefined outside of a run. */
export const modelCallOf = (request: object): ModelCall | undefined => (request as { [callKey]?: ModelCall })[callKey];

/** Attaches the answerer to an answer, or to the event that contains it. */
export function signAnswer<Answer extends object>(answer: Answer, answerer: Answerer): Answer {
  return Object.defineProperty(answer, answererKey, { value: answerer, configurable: true });
}

/** The answerer of an answer; undefined if none is attached. */
export const answererOf = (answer: object): Answerer | undefined =>
  (answer as { [answererKey]?: Answerer })[answererKey];

/** Marks an answer in one piece whose provider did not say how it ended; it is complete JSON. */
export const markEndUnstated = <Answer extends object>(answer: Answer): Answer =>
  Object.defineProperty(answer, endUnstatedKey, { value: true, configurable: true });

/** Whether an answer is marked as one whose provider did not say how it ended. */
export const isEndUnstated = (answer: object): boolean =>
  (answer as { [endUnstatedKey]?: boolean })[endUnstatedKey] === true;
