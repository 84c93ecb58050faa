/** Sets a property as an object literal would, `__proto__` too, whatever the class of the object has. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The same for a plain object, where it is many times faster. */
export function assign(object: object, key: string, value: unknown): void {
  if (key === '__proto__') define(object, key, value);
  else (object as Record<string, unknown>)[key] = value;
}
