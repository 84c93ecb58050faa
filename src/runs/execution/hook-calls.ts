import { Agent } from '@openai/agents';
import { kindOf } from '../../agents/index.ts';
import { ordinalOf } from './recorded-work.ts';
import type { LocalToolCall, RunScope } from './run-scope.ts';

/** An agent or a runner, whose listeners are hooks. */
export type HookSource = { eventEmitter: { listenerCount(type: string): number } };

type ToolDetails = { toolCall?: LocalToolCall };

/** Notes which call of a local tool the SDK executes: the tool itself is not told. */
function noteLocalCall(
  { localCalls }: RunScope,
  type: string,
  tool: { name: string; type: string },
  call: LocalToolCall,
): void {
  if (kindOf(tool) !== 'local') return;
  if (type === 'agent_tool_start') localCalls.set(tool.name, call);
  else localCalls.delete(tool.name);
}

/** The name of a call of a hook, the same whenever the run is executed again. */
function nameOf(scope: RunScope, source: string, type: string, agent: string, callId: string | undefined): string {
  const name = [source, type, agent, ...(callId === undefined ? [] : [callId])].join(' ');
  return `${scope.path} ${name} ${ordinalOf(scope, name)}`;
}

/**
 * Calls the listeners of a lifecycle event, unless the journal holds that they were called.
 *
 * @param args the event and its values: those of a runner have the agent, those of an agent have not
 */
export function callHook(scope: RunScope, source: HookSource, args: unknown[], call: () => unknown): unknown {
  const [type, , ...values] = args as [string, unknown, ...unknown[]];
  const isAgent = source instanceof Agent;
  const agent = (isAgent ? source : (values[0] as { name?: string } | undefined))?.name ?? '';
  const toolCall = (values.at(-1) as ToolDetails | undefined)?.toolCall;
  if (isAgent && toolCall) noteLocalCall(scope, type, values[0] as { name: string; type: string }, toolCall);
  if (source.eventEmitter.listenerCount(type) === 0 || !scope.attempt.isOpen()) return call();
  const name = nameOf(scope, isAgent ? 'agent' : 'runner', type, agent, toolCall?.callId);
  return scope.attempt.journal.side.hooks.call(name) ? call() : false;
}
