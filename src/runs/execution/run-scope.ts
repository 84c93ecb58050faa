import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Model, ModelProvider } from '@openai/agents';
import type { MaxCost, RequestedModel } from '../../providers/index.ts';
import type { Usage } from '../../storage/port/index.ts';
import type { AttemptContext } from './attempt-context.ts';

/** What the service provides to all runs, and to runs started inside of them. */
export type RunDefaults = {
  /** The provider of models whose author left that to the SDK's defaults. */
  modelProvider: ModelProvider;
  /** The model of agents that name none. */
  model: string;
  /** Applies the service's rules to a model that the application brings along. Defaults to the model as it is. */
  guard?(model: Model, name: string): Model;
  /** What a call has cost, in USD, at the provider that answered it; null, the default, if unknown. */
  costOf?(answerer: { provider: string | null; model: string }, usage: Usage): number | null;
  /** The upper bound of what a call costs, over all providers that may answer it. Defaults to unknown. */
  maxCostOf?(model: RequestedModel, inputTokens: number): MaxCost;
};

/** The tool call that is being executed, as the tool may ask for it. */
export type CurrentCall = {
  runId: string;
  sessionId: string | null;
  tenant: string;
  callId: string;
  /** The same whenever this call is executed again; for the `Idempotency-Key` of requests that the tool makes. */
  idempotencyKey: string;
  attempt: number;
  /** Aborts when the run ends early or the tool's time is over. */
  signal: AbortSignal;
};

/**
 * The position in a run of the code that is executing. Its `path` is the same whenever the run is executed again, in
 * whatever order parallel work starts:
 *
 * - the run itself: empty
 * - a tool call: `<parent>/<call id>`, for the code of the tool
 * - a nested run (`childScope`): `<parent>/<agent>.<digest of its input>.<how many of the same before>`. The parent of an
 *   agent used as a tool is the run whose model called it, since the SDK starts it; the parent of a `run()` in a tool is
 *   the scope of that tool call; that of a `run()` in a guardrail is the run which the guardrail checks
 *
 * A model call is recorded under `m:<path>:<position>`, a tool call under `t:<path>/<call id>` without the first slash
 * (see `JournaledCall` and `journalTool`).
 */
export type RunScope = {
  readonly path: string;
  readonly attempt: AttemptContext;
  readonly defaults: RunDefaults;
  readonly call: CurrentCall | null;
  /** The current agent of the run that this scope is for. */
  agent: string | null;
  /** Whether the run that this scope is for has begun; every further one begun in it is a child. */
  begun: boolean;
  /** Model calls of this scope that were answered; the position of the next one. */
  modelCalls: number;
  /** How many items the last request of this scope had; later items are new. */
  itemsSeen: number;
  /** How many runs of each name were started in this scope. */
  readonly children: Map<string, number>;
};

/**
 * The scope of the code that is executing; undefined outside of a run. It belongs to the process, as do the SDK's
 * prototypes, whose patches read it.
 */
export const runScope = new AsyncLocalStorage<RunScope>();

/** The scope of a whole run that is about to begin. */
export const rootScope = (attempt: AttemptContext, defaults: RunDefaults): RunScope => ({
  path: '',
  attempt,
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
 * The tool call that is being executed: its run, session and tenant, and the key that makes its effect happen once.
 *
 * @throws {Error} outside of a tool call
 */
export function currentCall(): CurrentCall {
  const call = runScope.getStore()?.call;
  if (!call) throw new Error('currentCall() was called outside of a tool call of a run.');
  return call;
}
