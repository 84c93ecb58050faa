import { declaredEffect, type Effect } from './effect.ts';

/** A tool of the SDK, of any kind. */
export type AnyTool = { type: string; name: string; description?: string; needsApproval?: unknown; on?: unknown };

/**
 * How the service treats the calls of a tool when a run is recovered:
 *
 * - `journaled`: each call is a step; a recorded call is not executed again
 * - `agent`: an agent used as a tool is executed again, with its own steps replayed
 * - `hosted`: the provider executes it, within a model call that is a step
 * - `local`: a computer, shell or patch tool: each call is a step too, whose effect is `once` unless it declares another
 */
export type ToolKind = 'journaled' | 'agent' | 'hosted' | 'local';

/** The kind of a tool. */
export function kindOf(tool: object): ToolKind {
  const { type, on, shell } = tool as AnyTool & { shell?: unknown };
  if (type === 'function') return typeof on === 'function' ? 'agent' : 'journaled';
  if (type === 'computer' || type === 'apply_patch' || (type === 'shell' && shell !== undefined)) return 'local';
  return 'hosted';
}

/**
 * The effect of repeating a call of this tool. Without a declaration: `once` for computer, shell and patch tools, which
 * act on what is outside of the run; `effectDefault`, that is `TOOL_EFFECT_DEFAULT`, for all others.
 */
export const effectOf = (tool: object, effectDefault: Effect): Effect =>
  declaredEffect(tool) ?? (kindOf(tool) === 'local' ? 'once' : effectDefault);
