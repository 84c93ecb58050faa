import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Model, ModelProvider } from '@openai/agents';
import type { MaxCost, RequestedModel } from '../../providers/index.ts';
import type { Usage } from '../../storage/port/index.ts';
import { optionsOf } from '../run-options.ts';
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

/** The tool call that is being executed, as the tool may ask for it; likewise a guardrail, an `onHandoff` or a step. */
export type CurrentCall = {
  runId: string;
  sessionId: string | null;
  tenant: string;
  /** The id of the tool call, or what names the guardrail, handoff or step within its run. */
  callId: string;
  /** The same whenever this call is executed again; for the `Idempotency-Key` of requests that the tool makes. */
  idempotencyKey: string;
  attempt: number;
  /** Aborts when the run ends early or the tool's time is over. */
  signal: AbortSignal;
};

/** What a workflow's code does with the runs that it starts. */
export type WorkflowRuns = {
  /**
   * Has a run carried out within `child`.
   *
   * @param args what the SDK's `run()` was called with
   * @param execute carries it out, with these arguments
   */
  start(child: RunScope, args: unknown[], execute: (args: unknown[]) => Promise<unknown>): Promise<unknown>;
};

/** A call of a computer, shell or patch tool. */
export type LocalToolCall = { callId: string; action?: unknown; actions?: unknown };

/**
 * The position in a run of the code that is executing. Its `path` is the same whenever the run is executed again, in
 * whatever order parallel work starts:
 *
 * - the run itself: empty
 * - a tool call: `<parent>/<call id>`, for the code of the tool
 * - a guardrail, an `onHandoff`, a decision about an approval: `<parent>/<kind>:<name>.<how many of the same before>`
 * - a nested run (`childScope`): `<parent>/<agent>.<digest of its input>.<how many of the same before>`. The parent of an
 *   agent used as a tool is the run whose model called it, since the SDK starts it; the parent of a `run()` in a tool is
 *   the scope of that tool call; that of a `run()` in a guardrail is the scope of that guardrail
 *
 * A model call is recorded under `m:<path>:<position>`, a tool call under `t:<path>/<call id>` without the first slash, and
 * so is other work of the application, with a letter of its own (see `JournaledCall` and `workKeys`).
 */
export type RunScope = {
  readonly path: string;
  readonly attempt: AttemptContext;
  readonly defaults: RunDefaults;
  readonly call: CurrentCall | null;
  /** The model that the request chose for the agents that allow it; null if it chose none. */
  readonly model: string | null;
  /** The current agent of the run that this scope is for. */
  agent: string | null;
  /** Whether the SDK tells the model of calls of functions that its agent does not have, in the run of this scope. */
  tellsUnknownTools: boolean;
  /** Whether the run that this scope is for has begun; every further one begun in it is a child. */
  begun: boolean;
  /** Model calls of this scope that were answered; the position of the next one. */
  modelCalls: number;
  /** How many items the last request of this scope had; later items are new. */
  itemsSeen: number;
  /** How many runs, and how much work of each name, were begun in this scope. */
  readonly counts: Map<string, number>;
  /** The calls of local tools under way in this scope, by the name of the tool, to which the SDK does not hand them on. */
  readonly localCalls: Map<string, LocalToolCall>;
  /** How many of the enclosing pieces of work have no intent: the run may be handed back during those. */
  readonly uncounted: number;
  /** Whether one of the enclosing pieces of work has an intent. */
  readonly isPart: boolean;
  /** The workflow whose own code is executing, also in its steps; null in agents, their tools and their guardrails. */
  readonly workflow: WorkflowRuns | null;
  /** The paths of the enclosing pieces of work. */
  readonly within: readonly string[];
  /** The call of an agent used as a tool that is being executed in this scope; null outside of one. */
  readonly agentCall: string | null;
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
  model: optionsOf(attempt.run).model ?? null,
  agent: null,
  tellsUnknownTools: false,
  begun: false,
  uncounted: 0,
  isPart: false,
  workflow: null,
  within: [],
  agentCall: null,
  ...fresh(),
});

const fresh = () => ({
  modelCalls: 0,
  itemsSeen: 0,
  counts: new Map<string, number>(),
  localCalls: new Map<string, LocalToolCall>(),
});

const shortDigest = (value: unknown): string => hash('sha256', JSON.stringify(value) ?? '', 'base64url').slice(0, 10);

/**
 * The scope of a run started inside `parent`.
 *
 * @param inherits whether it has the configuration of its parent, as an agent used as a tool has
 */
export function childScope(parent: RunScope, agent: string, input: unknown, inherits: boolean): RunScope {
  const name = `${agent}.${shortDigest(input)}`;
  const before = parent.counts.get(name) ?? 0;
  parent.counts.set(name, before + 1);
  const model = inherits ? parent.model : null;
  const path = `${parent.path}/${name}.${before}`;
  return { ...parent, ...fresh(), path, model, agent, begun: true, workflow: null, agentCall: null };
}

/** The scope of a tool call, or of other work of the application; `id` is its name within the parent. */
export const workScope = (parent: RunScope, id: string, call: CurrentCall, hasIntent: boolean): RunScope => ({
  ...parent,
  ...fresh(),
  path: `${parent.path}/${id}`,
  call,
  begun: true,
  uncounted: parent.uncounted + (hasIntent ? 0 : 1),
  isPart: parent.isPart || hasIntent,
  within: [...parent.within, `${parent.path}/${id}`],
  agentCall: null,
});

/**
 * The tool call that is being executed: its run, session and tenant, and the key that makes its effect happen once. Also in
 * guardrails, in `onHandoff`, and in steps of a workflow.
 *
 * @throws {Error} outside of them
 */
export function currentCall(): CurrentCall {
  const call = runScope.getStore()?.call;
  if (!call) throw new Error('currentCall() was called outside of a tool call of a run.');
  return call;
}
