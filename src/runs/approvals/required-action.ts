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

type RawCall = RunToolApprovalItem['rawItem'];
/** What the provider tells of a call of a hosted MCP server that needs an approval. */
type HostedMcpCall = { server_label?: string; name?: string; arguments?: string };

const hostedMcpCallOf = ({ type, providerData }: RawCall): HostedMcpCall | null =>
  type === 'hosted_tool_call' ? ((providerData ?? {}) as HostedMcpCall) : null;

/** The tool of a call, as its events name it. */
function toolOf({ rawItem, name }: RunToolApprovalItem): string {
  const hosted = hostedMcpCallOf(rawItem);
  return hosted?.server_label ? `${hosted.server_label}.${hosted.name}` : (name ?? '');
}

/** The arguments of a call; those of calls that are no functions are what they are to do. */
function argumentsOf({ rawItem, arguments: text }: RunToolApprovalItem): unknown {
  const { action, operation } = rawItem as { action?: unknown; operation?: unknown };
  return action ?? operation ?? parseArguments(text ?? hostedMcpCallOf(rawItem)?.arguments ?? '{}');
}

/**
 * What a decision for all calls covers, as the SDK has it: the calls of a function tool by one agent; of a tool of a
 * hosted MCP server, or of any other tool, the calls of all agents. Null where the SDK cannot keep such a decision.
 */
function coverageOf(item: RunToolApprovalItem, agents: AgentRegistry): string | null {
  const { rawItem, agent } = item;
  if (rawItem.type === 'function_call') return `${agents.nameOf(agent)}/${toolOf(item)}`;
  const hosted = hostedMcpCallOf(rawItem);
  if (hosted === null) return toolOf(item);
  return hosted.server_label && hosted.name ? `mcp:${toolOf(item)}` : null;
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
    items: interruptions.map((item) => ({
      call_id: callIdOf(item.rawItem),
      tool: toolOf(item),
      arguments: argumentsOf(item),
      agent: agents.nameOf(item.agent),
      effect: effectOfNamed(item.agent as AnyAgent, item.name, effectDefault),
      always_covers: coverageOf(item, agents),
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
