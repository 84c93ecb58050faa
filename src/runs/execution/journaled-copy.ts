// A property of the object itself, so that every copy of this package finds it.
const key = Symbol.for('agent-service.journaled');

type Marked<T> = T & { [key]?: T };

/**
 * The journaled form of an object of the application, made once: the SDK recognises tools, guardrails and handoffs by
 * identity. That of a journaled form is itself.
 */
export function journalOnce<T extends object>(original: T, make: (original: T) => T): T {
  const known = (original as Marked<T>)[key];
  if (known) return known;
  const journaled = make(original);
  for (const each of new Set([original, journaled])) {
    if (Object.isExtensible(each)) Object.defineProperty(each, key, { value: journaled, configurable: true });
  }
  return journaled;
}
