import { assign } from './own-property.ts';
import type { Slices } from './slices.ts';
import { isDivisible, sliceWeight, weigh } from './weight.ts';

/** As the second parameter of `JSON.stringify`. */
export type Replacer = (this: unknown, key: string, value: unknown) => unknown;

/** The deepest level of a value at which it is still divided. */
const levelsMax = 500;

/** What `JSON.stringify` makes of a Buffer before a replacer sees it: that has to see all of it. */
const isSnapshot = (value: object): boolean => 'type' in value && value.type === 'Buffer';

const hasToJson = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function';

/** Whether a value of this weight is written member by member. */
const isDivided = (value: unknown, weight: number): value is object =>
  weight >= sliceWeight && isDivisible(value) && !isSnapshot(value) && !hasToJson(value);

type Key = string | number;
type Members = Record<Key, unknown> | unknown[];

/** Some members of a list or an object, next to one another. */
class Chunk {
  readonly members: Members;
  weight = 0;

  constructor(isList: boolean) {
    this.members = isList ? [] : {};
  }

  add(key: Key, member: unknown, weight: number): void {
    addTo(this.members, key, member);
    this.weight += weight;
  }
}

/** Adds a member to the end. */
function addTo(members: Members | null, key: Key, member: unknown): void {
  if (Array.isArray(members)) members.push(member);
  else if (members !== null) assign(members, String(key), member);
}

function* membersOf(whole: object): Iterable<readonly [Key, unknown]> {
  if (Array.isArray(whole)) yield* whole.entries();
  else for (const key of Object.keys(whole)) yield [key, (whole as Record<string, unknown>)[key]];
}

/** Writes the JSON of one large value, piece by piece. */
class JsonWriter {
  readonly #replacer: Replacer | undefined;
  readonly #isCopied: boolean;
  readonly #pieces: string[] = [];
  /** What is being written: a member that is one of them is left to `JSON.stringify`, which refuses it. */
  readonly #around = new Set<unknown>();

  constructor(replacer: Replacer | undefined, isCopied: boolean) {
    this.#replacer = replacer;
    this.#isCopied = isCopied;
  }

  get text(): string {
    return this.#pieces.join('');
  }

  /** Writes a list or an object member by member. Returns its copy, if there is to be one. */
  *write(whole: object, levels: number): Slices<unknown> {
    const isList = Array.isArray(whole);
    const copy: Members | null = this.#isCopied ? (isList ? [] : {}) : null;
    let chunk = new Chunk(isList);
    let written = 0;
    this.#around.add(whole);
    this.#pieces.push(isList ? '[' : '{');
    const flush = () => {
      written = this.#writeChunk(whole, chunk, written, copy);
      chunk = new Chunk(isList);
    };
    for (const [key, member] of membersOf(whole)) {
      const weight = weigh(member);
      if (levels > 0 && isDivided(member, weight) && !this.#around.has(member)) {
        flush();
        this.#pieces.push(written === 0 ? '' : ',', isList ? '' : `${JSON.stringify(key)}:`);
        addTo(copy, key, yield* this.write(member, levels - 1));
        written += 1;
        continue;
      }
      chunk.add(key, member, weight);
      if (chunk.weight < sliceWeight) continue;
      flush();
      yield;
    }
    flush();
    this.#pieces.push(isList ? ']' : '}');
    this.#around.delete(whole);
    return copy;
  }

  /** Writes members without what stands around them; returns how many pieces the whole has now. */
  #writeChunk(whole: object, { members }: Chunk, written: number, copy: Members | null): number {
    const text = JSON.stringify(members, this.#replacerFor(whole, members));
    if (text.length === 2) return written; // nothing, or nothing that JSON has
    if (written > 0) this.#pieces.push(',');
    this.#pieces.push(text.slice(1, -1));
    if (copy !== null) for (const [key, member] of Object.entries(JSON.parse(text))) addTo(copy, key, member);
    return written + 1;
  }

  /** A replacer to which the members are those of the whole. */
  #replacerFor(whole: object, members: Members): Replacer | undefined {
    const replacer = this.#replacer;
    if (replacer === undefined) return undefined;
    return function replace(this: unknown, key, value) {
      return value === members ? value : replacer.call(this === members ? whole : this, key, value);
    };
  }
}

/**
 * The text that `JSON.stringify` makes of an object, made in pieces.
 *
 * @param replacer replaces no lists and no plain objects, but for the JSON of a Buffer
 * @throws whatever `JSON.stringify` throws
 */
export function* jsonInSlices(value: object, replacer?: Replacer): Slices<string> {
  if (!isDivided(value, weigh(value))) return JSON.stringify(value, replacer);
  const writer = new JsonWriter(replacer, false);
  yield* writer.write(value, levelsMax);
  yield;
  return writer.text;
}

/** The JSON of a value that is JSON, and what `JSON.parse` makes of it, both made in pieces. */
export function* copyInSlices(value: object): Slices<{ text: string; copy: unknown }> {
  if (!isDivided(value, weigh(value))) {
    const text = JSON.stringify(value);
    yield;
    return { text, copy: JSON.parse(text) };
  }
  const writer = new JsonWriter(undefined, true);
  const copy = yield* writer.write(value, levelsMax);
  yield;
  return { text: writer.text, copy };
}
