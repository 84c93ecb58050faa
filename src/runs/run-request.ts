import type { AgentRegistry } from '../agents/index.ts';
import type { Spender } from '../budgets/index.ts';
import { ServiceError } from '../platform/errors.ts';
import type { IfBusy, RunMode, Webhook } from '../storage/port/index.ts';
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
  priority?: number;
  run_at?: string;
  webhook?: Webhook;
};

/** The caller of a request, as the API identified it. */
export type Caller = {
  tenantId: string;
  keyId: string | null;
  requestId: string;
  idempotencyKey?: string;
  spender: Spender;
  /** Events that have to be asked for. They are recorded only then. Defaults to none. */
  include?: EventInclude;
  /** Called once the run is stored, or waits for a slot; see `Arrivals`. Defaults to no call. */
  arrivalDecided?(): void;
};

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
  if (agents.get(agent)) return agent;
  const names = agents.names().join(', ');
  if (agents.isAmbiguous(agent)) throw invalid('agent', `is the name of several agents; it must be one of ${names}`);
  throw invalid('agent', `must be one of ${names}`);
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
export function checkRequest(request: CreateRun, agents: AgentRegistry, rules: InputRules, nowMs: number): void {
  checkInterrupt(request, nowMs);
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
