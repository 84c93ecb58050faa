import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Model, ModelProvider } from '@openai/agents';
import type { MaxCost, RequestedModel } from '../../providers/index.ts';
import type { Usage } from '../../storage/port/index.ts';
import type { AttemptContext } from './attempt-context.ts';

/** What the service gives to all runs, and to those started inside of them. */
export type RunDefaults = {
  /** Where models come from whose author left that to the SDK's defaults. */
  modelProvider: ModelProvider;
  /** The model of agents that name none. */
  model: string;
  /** Has a model that the application brings along keep to the service's rules. Defaults to the model as it is. */
  guard?(model: Model, name: string): Model;
  /** What a call has cost, in USD, by who answered it; null where nobody knows. Defaults to that. */
  costOf?(answerer: { provider: string | null; model: string }, usage: Usage): number | null;
  /** The upper bound of what a call costs, over all providers that may answer it. Defaults to an unknown one. */
  maxCostOf?(model: RequestedModel, inputTokens: number): MaxCost;
};

/** The tool call that is being executed, as the tool may ask for it. */
export type CurrentCall = {
  runId: string;
  sessionId: string | null;
  tenant: string;
  callId: string;
  /** The same whenever this call is executed again; for the `Idempotency-Key` of what the tool calls. */
  idempotencyKey: string;
  attempt: number;
  /** Aborts when the run ends early or the tool's time is over. */
  signal: AbortSignal;
};

/**
 * Where in a run the code that executes just now belongs. `path` is empty for the run itself; a tool call has
 * `<parent>/<call id>`, and a run started inside it (an agent used as a tool, a `run()` in a tool or a guardrail)
 * `<parent>/<agent>.<digest of its input>.<how many of the same before>`: the same whenever the run is executed again,
 * in whatever order things that run in parallel come to start.
 */
export type RunScope = {
  readonly path: string;
  readonly activity: AttemptContext;
  readonly defaults: RunDefaults;
  readonly call: CurrentCall | null;
  /** The agent of the run that this scope is for, as it speaks at the moment. */
  agent: string | null;
  /** Whether the run that this scope is for has begun; every further one begun in it is a child. */
  begun: boolean;
  /** Model calls of this scope that were answered; the position of the next one. */
  modelCalls: number;
  /** How many items the last request of this scope had; what comes after them is new. */
  itemsSeen: number;
  /** How many runs of each name were started in this scope. */
  readonly children: Map<string, number>;
};

/**
 * The scope of the code that is executing; undefined outside of a run. It is the process's because the SDK's
 * prototypes, whose patches read it, are.
 */
export const runScope = new AsyncLocalStorage<RunScope>();

/** The scope of a whole run that is about to begin. */
export const rootScope = (activity: AttemptContext, defaults: RunDefaults): RunScope => ({
  path: '',
  activity,
  defaults,
  call: null,
  agent: null,
  begun: false,
  modelCalls: 0,
  itemsSeen: 0,
  children: new Map(),
});

const fresh = () => ({ modelCalls: 0, itemsSeen: 0, children: new Map<string, number>() });

const shortDigest = (value: unknown): string => hash('sha256', JSON.stringify(value) ?? '', 'base64url').slice(0, 10);

/** The scope of a run started inside `parent`. */
export function childScope(parent: RunScope, agent: string, input: unknown): RunScope {
  const name = `${agent}.${shortDigest(input)}`;
  const before = parent.children.get(name) ?? 0;
  parent.children.set(name, before + 1);
  return { ...parent, ...fresh(), path: `${parent.path}/${name}.${before}`, agent, begun: true };
}

/** The scope of a tool call. */
export const callScope = (parent: RunScope, call: CurrentCall): RunScope => ({
  ...parent,
  ...fresh(),
  path: `${parent.path}/${call.callId}`,
  call,
  begun: true,
});

/**
 * The tool call that is being executed: whose it is, and the key under which what it does can be made to happen once.
 *
 * @throws {Error} outside of a tool call
 */
export function currentCall(): CurrentCall {
  const call = runScope.getStore()?.call;
  if (!call) throw new Error('currentCall() was called outside of a tool call of a run.');
  return call;
}
