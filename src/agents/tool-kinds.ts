import { declaredEffect } from './effect.ts';

/** A tool of the SDK, of any kind. */
export type AnyTool = { type: string; name: string; description?: string; needsApproval?: unknown; on?: unknown };

/**
 * How the service treats the calls of a tool when a run is recovered:
 *
 * - `journaled`: each call is a step; a recorded call is not executed again
 * - `agent`: an agent used as a tool is executed again, with its own steps replayed
 * - `hosted`: the provider executes it, within a model call that is a step
 * - `local`: a computer, shell or patch tool acts outside of the journal: all its calls are executed again
 */
export type ToolKind = 'journaled' | 'agent' | 'hosted' | 'local';

/** The kind of a tool. */
export function kindOf(tool: object): ToolKind {
  const { type, on, shell } = tool as AnyTool & { shell?: unknown };
  if (type === 'function') return typeof on === 'function' ? 'agent' : 'journaled';
  if (type === 'computer' || type === 'apply_patch' || (type === 'shell' && shell !== undefined)) return 'local';
  return 'hosted';
}

/** The reason why this tool cannot be part of a durable run, as a sentence; null if it can. */
export function whyNotDurable(tool: AnyTool): string | null {
  if (kindOf(tool) !== 'local') return null;
  const declared = declaredEffect(tool);
  if (declared === 'read' || declared === 'idempotent') return null;
  return (
    `The calls of the ${tool.type} tool "${tool.name}" cannot be recorded: when a run is recovered, all of them ` +
    `are executed again. If that does no harm, say so: effect(tool, 'idempotent') or effect(tool, 'read'). ` +
    'If it does, make it a function tool.'
  );
}
