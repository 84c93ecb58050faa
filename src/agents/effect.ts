/** What repeating a tool call does: nothing, the same again, or harm. */
export const effects = ['read', 'idempotent', 'once'] as const;
/** What repeating a tool call does: nothing, the same again, or harm. */
export type Effect = (typeof effects)[number];

// Kept on the tool itself, where every copy of this package finds it.
const declared = Symbol.for('agent-service.effect');

type Declared = { [declared]?: Effect };

/**
 * Declares what happens when a call of this tool is executed again because its process died before the outcome was
 * recorded. Returns the same tool. A handoff may be declared too: of its `onHandoff`, which is called again.
 *
 * - `read`: nothing changes; it is executed again
 * - `idempotent`: executing it again with the same `currentCall().idempotencyKey` changes nothing; it is executed again
 * - `once`: it must not happen twice; the run stops and asks a person what became of the call
 *
 * A tool that nobody declared is treated as `TOOL_EFFECT_DEFAULT` says.
 *
 * @throws {TypeError} when `kind` is none of these
 */
export function effect<T extends object>(tool: T, kind: Effect): T {
  if (!effects.includes(kind)) throw new TypeError(`effect() takes ${effects.join(', ')}, not ${String(kind)}.`);
  Object.defineProperty(tool, declared, { value: kind, configurable: true });
  return tool;
}

/** What was declared about a tool. */
export const declaredEffect = (tool: object): Effect | undefined => (tool as Declared)[declared];
