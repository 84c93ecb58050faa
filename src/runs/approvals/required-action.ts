import type { RunToolApprovalItem } from '@openai/agents';
import { type AgentRegistry, type AnyAgent, type Effect, effectOf } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Step } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { toTime } from '../views/run-view.ts';
import type { RequiredAction } from '../views/schemas.ts';

/** When the wait of a run began and when it expires, as the wire shows it. */
type Wait = Pick<RequiredAction['items'][number], 'requested_at' | 'expires_at'>;

/** A wait that begins now and expires after `expiryMs`. */
export function waitFrom(clock: Pick<Clock, 'nowMs'>, expiryMs: number): Wait {
  const nowMs = clock.nowMs();
  return { requested_at: toTime(nowMs), expires_at: toTime(nowMs + expiryMs) };
}

/** The id of a call that needs an approval. Calls of hosted tools have it in `id` instead of `callId`. */
export function callIdOf(rawItem: object): string {
  const { callId, id } = rawItem as { callId?: string; id?: string };
  return callId ?? id ?? '';
}

/** The effect of a tool of this agent; the default for one that is not known. */
function effectOfNamed(agent: AnyAgent, toolName: string | undefined, effectDefault: Effect): Effect {
  const tool = agent.tools.find(({ name }) => name === toolName);
  return tool === undefined ? effectDefault : effectOf(tool, effectDefault);
}

/** The required action that asks whether these calls, which the SDK interrupted, may be executed. */
export function askApproval(
  interruptions: readonly RunToolApprovalItem[],
  agents: AgentRegistry,
  effectDefault: Effect,
  wait: Wait,
): RequiredAction {
  return {
    type: 'approval',
    items: interruptions.map(({ rawItem, name, arguments: args, agent }) => ({
      call_id: callIdOf(rawItem),
      tool: name ?? '',
      arguments: parseArguments(args ?? '{}'),
      agent: agents.nameOf(agent),
      effect: effectOfNamed(agent as AnyAgent, name, effectDefault),
      ...wait,
    })),
  };
}

/**
 * The required action that asks for the outcome of these calls. Each may have taken effect, and must not take effect
 * twice.
 */
export function askOutcome(steps: readonly Step[], wait: Wait): RequiredAction {
  return {
    type: 'unknown_outcome',
    items: steps.map((step) => ({
      call_id: step.callId ?? '',
      tool: step.name,
      arguments: step.input,
      agent: step.agent ?? '',
      effect: step.effect ?? 'once',
      ...wait,
    })),
  };
}
