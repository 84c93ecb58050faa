import { depthMax } from './encoded-value.ts';
import { stringBytesMin, ValueTooLargeError, valueBytesMin } from './value-limits.ts';

/** Looks at a value without making JSON of it, and no longer than it may be. */
class JsonCheck {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  isJson(value: unknown, levels = depthMax): boolean {
    this.#count(typeof value === 'string' ? value.length + stringBytesMin : valueBytesMin);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
    if (typeof value !== 'object' || levels === 0) return false;
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Array.prototype) return this.#isList(value as unknown[], levels);
    if (prototype !== Object.prototype && prototype !== null) return false;
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
    for (const key of Object.keys(value)) {
      this.#count(key.length + stringBytesMin);
      if (!this.isJson((value as Record<string, unknown>)[key], levels - 1)) return false;
    }
    return true;
  }

  #isList(list: readonly unknown[], levels: number): boolean {
    for (let index = 0; index < list.length; index += 1) {
      if (!(index in list) || !this.isJson(list[index], levels - 1)) return false;
    }
    return true;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) throw ValueTooLargeError.atLeast(this.#bytes, this.#bytesMax);
  }
}

/**
 * Whether a value is what `JSON.parse` may have given, so that its JSON says all of it. False where a getter throws.
 *
 * @throws {ValueTooLargeError} for an object whose JSON is larger than `bytesMax`, estimated low
 */
export function isReadableJson(value: unknown, bytesMax: number): boolean {
  try {
    return typeof value === 'string' || new JsonCheck(bytesMax).isJson(value); // a text is measured exactly
  } catch (error) {
    if (error instanceof ValueTooLargeError) throw error;
    return false;
  }
}

/** How many values are looked at to find a circle: what has more of them is too large in any case. */
const valuesMax = 5_000_000;

/** Whether a value contains itself, or cannot be looked at, so that no JSON can be made of it. */
export function isCircular(value: unknown): boolean {
  const around = new Set<object>();
  let values = 0;

  function contains(item: unknown): boolean {
    values += 1;
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) return false;
    if (around.has(item)) return true;
    if (around.size > depthMax || values > valuesMax) return false;
    around.add(item);
    const found = Array.isArray(item) ? item.some(contains) : Object.values(item).some(contains);
    around.delete(item);
    return found;
  }

  try {
    return contains(value);
  } catch {
    return true;
  }
}
