import { atOnce, type Slices } from '../../platform/slices.ts';
import { isDivisible, sliceWeight } from '../../platform/weight.ts';
import { depthMax } from './encoded-value.ts';
import { stringBytesMin, ValueTooLargeError, valueBytesMin } from './value-limits.ts';

/** Looks at a value without making JSON of it, and no longer than it may be. */
class JsonCheck {
  readonly #bytesMax: number;
  /** What is still to be looked at, the next one last, and how deep it may be. */
  readonly #values: unknown[] = [];
  readonly #levels: number[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  *isJson(value: unknown): Slices<boolean> {
    this.#add(value, depthMax);
    for (let looked = 1; this.#values.length > 0; looked += 1) {
      if (!this.#look(this.#values.pop(), this.#levels.pop() as number)) return false;
      if (looked % sliceWeight === 0) yield;
    }
    return true;
  }

  #look(value: unknown, levels: number): boolean {
    this.#count(typeof value === 'string' ? value.length + stringBytesMin : valueBytesMin);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
    if (typeof value !== 'object' || levels === 0) return false;
    if (!isDivisible(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
    if (Array.isArray(value)) return this.#addList(value, levels - 1);
    for (const key of Object.keys(value).reverse()) {
      this.#count(key.length + stringBytesMin);
      this.#add((value as Record<string, unknown>)[key], levels - 1);
    }
    return true;
  }

  #addList(list: readonly unknown[], levels: number): boolean {
    for (let index = list.length - 1; index >= 0; index -= 1) {
      if (!(index in list)) return false;
      this.#add(list[index], levels);
    }
    return true;
  }

  #add(value: unknown, levels: number): void {
    this.#values.push(value);
    this.#levels.push(levels);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) throw ValueTooLargeError.atLeast(this.#bytes, this.#bytesMax);
  }
}

/** As `isReadableJson`, in pieces. */
export function* isReadableJsonInSlices(value: unknown, bytesMax: number): Slices<boolean> {
  try {
    return typeof value === 'string' || (yield* new JsonCheck(bytesMax).isJson(value)); // a text is measured exactly
  } catch (error) {
    if (error instanceof ValueTooLargeError) throw error;
    return false;
  }
}

/**
 * Whether a value is what `JSON.parse` may have given, so that its JSON says all of it. False where a getter throws.
 *
 * @throws {ValueTooLargeError} for an object whose JSON is larger than `bytesMax`, estimated low
 */
export const isReadableJson = (value: unknown, bytesMax: number): boolean =>
  atOnce(isReadableJsonInSlices(value, bytesMax));

/** How many values are looked at to find a circle: what has more of them is too large in any case. */
const valuesMax = 5_000_000;

type Frame = { object: object; members: readonly unknown[]; next: number };

const mayContain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

const toFrame = (object: object): Frame => ({
  object,
  members: Array.isArray(object) ? object : Object.values(object),
  next: 0,
});

function* findCircle(value: unknown): Slices<boolean> {
  const around = new Set<object>();
  const frames: Frame[] = [];
  const enter = (object: object) => {
    around.add(object);
    frames.push(toFrame(object));
  };
  if (mayContain(value)) enter(value);
  for (let looked = 1; frames.length > 0 && looked <= valuesMax; looked += 1) {
    if (looked % sliceWeight === 0) yield;
    const frame = frames.at(-1) as Frame;
    if (frame.next === frame.members.length) {
      around.delete(frame.object);
      frames.pop();
      continue;
    }
    const member = frame.members[frame.next];
    frame.next += 1;
    if (!mayContain(member)) continue;
    if (around.has(member)) return true;
    if (frames.length <= depthMax) enter(member);
  }
  return false;
}

/** Whether a value contains itself, or cannot be looked at, so that no JSON can be made of it. */
export function* isCircular(value: unknown): Slices<boolean> {
  try {
    return yield* findCircle(value);
  } catch {
    return true;
  }
}
