/** How many characters of a string, or bytes of a buffer, weigh as much as one value. */
const charsPerValue = 32;
/** What is nested more deeply is not looked at, in levels. */
const levelsMax = 500;

/** Work on so much takes a millisecond or two: a piece of a large value. */
export const sliceWeight = 20_000;

/** Whether a value is a list or a plain object, which can be worked on member by member. */
export function isDivisible(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Array.prototype || prototype === Object.prototype || prototype === null;
}

/** What a value leaves of `left`. */
function remaining(value: unknown, left: number, levels: number): number {
  if (typeof value === 'string') return left - 1 - value.length / charsPerValue;
  if (typeof value !== 'object' || value === null) return left - 1;
  if (ArrayBuffer.isView(value)) return left - 1 - value.byteLength / charsPerValue;
  if (levels === 0) return 0;
  let rest = left - 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && rest > 0; index += 1) rest = remaining(value[index], rest, levels - 1);
    return rest;
  }
  for (const key of Object.keys(value)) {
    if (rest <= 0) break;
    rest = remaining((value as Record<string, unknown>)[key], rest, levels - 1);
  }
  return rest;
}

/**
 * How long work on a value takes, in values: those that it has in all levels, where long strings count more. It looks at
 * no more of the value than `max`, which is the most that it returns. What cannot be looked at weighs nothing.
 */
export function weigh(value: unknown, max = sliceWeight): number {
  try {
    return Math.min(max, max - remaining(value, max, levelsMax));
  } catch {
    return 0; // a getter that throws, or a proxy
  }
}

/** Whether work on a value takes so long that it is done in pieces. */
export const isHeavy = (value: unknown): boolean => weigh(value) >= sliceWeight;
