/** The effects of repeating a tool call: nothing changes, it has the same result, or it does harm. */
export const effects = ['read', 'idempotent', 'once'] as const;
/** The effect of repeating a tool call: one of {@link effects}. */
export type Effect = (typeof effects)[number];

// The effect is a property of the tool itself, so that every copy of this package finds it.
const effectKey = Symbol.for('agent-service.effect');

type Declared = { [effectKey]?: Effect };

/**
 * Declares the effect of executing a call of this tool again after its process died before the outcome was recorded.
 * Returns the same tool. The effect of a handoff can be declared too: that of its `onHandoff`, which is called again.
 *
 * - `read`: nothing changes; it is executed again
 * - `idempotent`: executing it again with the same `currentCall().idempotencyKey` changes nothing; it is executed again
 * - `once`: it must not be executed twice; the run stops and asks a person about the outcome of the call
 *
 * A tool without a declared effect has the one in `TOOL_EFFECT_DEFAULT`.
 *
 * @throws {TypeError} when `kind` is none of these
 */
export function effect<T extends object>(tool: T, kind: Effect): T {
  if (!effects.includes(kind)) throw new TypeError(`effect() takes ${effects.join(', ')}, not ${String(kind)}.`);
  Object.defineProperty(tool, effectKey, { value: kind, configurable: true });
  return tool;
}

/** The declared effect of a tool; undefined if there is none. */
export const declaredEffect = (tool: object): Effect | undefined => (tool as Declared)[effectKey];
