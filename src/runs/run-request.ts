import type { AgentRegistry, ModelChoices } from '../agents/index.ts';
import type { Spender } from '../budgets/index.ts';
import { ServiceError } from '../platform/errors.ts';
import type { IfBusy, RunMode, Webhook } from '../storage/port/index.ts';
import type { Continuation } from './conversation/continuation.ts';
import type { EventInclude } from './events/events.ts';
import { checkInput, type InputRules } from './input/input-rules.ts';
import type { WireInput } from './input/to-items.ts';

/** A request for a run, as its body came over the wire. The last three fields belong to background runs only. */
export type CreateRun = WireInput & {
  session_id?: string;
  metadata?: Record<string, unknown>;
  agent?: string;
  if_busy: IfBusy;
  timeout_s?: number;
  max_turns?: number;
  model?: string;
  priority?: number;
  run_at?: string;
  webhook?: Webhook;
};

/** The caller of a request, as the API identified it. */
export type Caller = {
  tenantId: string;
  keyId: string | null;
  /** How long the check of the caller took, in ms: the time of a run counts from before it. Defaults to 0. */
  accessMs?: number;
  requestId: string;
  idempotencyKey?: string;
  spender: Spender;
  /** Events that have to be asked for. They are recorded only then. Defaults to none. */
  include?: EventInclude;
  /** Called once the run is stored, or waits for a slot; see `Arrivals`. Defaults to no call. */
  arrivalDecided?(): void;
};

/** What decides which agents and models a request may name. */
export type RequestRules = { agents: AgentRegistry; models: ModelChoices; continueWith: Continuation };

/** The error of a request whose field has a value that is not accepted. `message` begins with a verb. */
function invalid(path: string, message: string): ServiceError {
  return new ServiceError('validation_failed', { reason: `${path} ${message}.` }, { errors: [{ path, message }] });
}

/**
 * The agent that a request names, or the entry agent.
 *
 * @throws {ServiceError} `validation_failed` with the names of all agents, if there is none of that name, or several
 */
export function agentOf({ agent: name }: CreateRun, agents: AgentRegistry): string {
  const agent = name ?? agents.entry;
  if (agents.get(agent) || agents.workflow(agent)) return agent;
  const names = agents.names().join(', ');
  if (agents.isAmbiguous(agent)) throw invalid('agent', `is the name of several agents; it must be one of ${names}`);
  throw invalid('agent', `must be one of ${names}`);
}

/**
 * Whether the run of a request begins with the last agent of its session. Which one that is, is known when it begins: runs
 * before it in the session may end with another.
 */
export const continuesSession = ({ agent, session_id }: CreateRun, continueWith: Continuation): boolean =>
  continueWith === 'last_agent' && agent === undefined && session_id !== undefined;

/**
 * Refuses a model that the request may not choose for its agent. Of a run that goes on with the last agent of its session,
 * that may be any agent.
 *
 * @throws {ServiceError} `validation_failed` with the models that it may choose
 */
export function checkModel(request: CreateRun, { agents, models, continueWith }: RequestRules): void {
  const { model } = request;
  if (model === undefined) return;
  const isOpen = continuesSession(request, continueWith);
  const name = agentOf(request, agents);
  const allowed = isOpen ? models.agents().flatMap(models.modelsOf) : models.modelsOf(agents.get(name));
  if (allowed.includes(model)) return;
  const whom = isOpen ? 'this service' : `the agent "${name}"`;
  if (allowed.length === 0) throw invalid('model', `cannot be chosen for ${whom}`);
  throw invalid('model', `must be one of ${[...new Set(allowed)].join(', ')} for ${whom}`);
}

/**
 * Refuses to interrupt a session for a run that starts later: the run that holds the session would be ended now.
 *
 * @throws {ServiceError} `validation_failed`
 */
function checkInterrupt({ if_busy, run_at }: CreateRun, nowMs: number): void {
  if (if_busy !== 'interrupt' || run_at === undefined || Date.parse(run_at) <= nowMs) return;
  throw invalid('run_at', 'must not be in the future if if_busy is interrupt');
}

/**
 * Refuses a request that cannot become a run: for an agent that is not there, with an input that is not allowed, or that
 * interrupts a session too early. An agent that brings its own model along may ask it by any API.
 *
 * @throws {ServiceError} `validation_failed`
 */
export function checkRequest(
  request: CreateRun,
  { inputRules: rules, ...requestRules }: RequestRules & { inputRules: InputRules },
  nowMs: number,
): void {
  const { agents } = requestRules;
  checkInterrupt(request, nowMs);
  checkModel(request, requestRules);
  const hasOwnModel = typeof agents.get(agentOf(request, agents))?.model === 'object';
  checkInput(request, hasOwnModel ? { ...rules, apis: [] } : rules);
}

/** The time that a run may take, in ms: that of the request, or the default of its mode. */
export function timeoutMsOf(
  { timeout_s }: CreateRun,
  mode: RunMode,
  defaults: { runTimeoutMs: number; backgroundTimeoutMs: number },
): number {
  if (timeout_s !== undefined) return Math.round(timeout_s * 1000);
  return mode === 'background' ? defaults.backgroundTimeoutMs : defaults.runTimeoutMs;
}
