import type { Slices } from '../../platform/slices.ts';
import { isHeavy, sliceWeight, weigh } from '../../platform/weight.ts';
import { type Json, type JsonRecord, JsonText, type Run, type Step, toInputItems } from '../../storage/port/index.ts';
import { isLargeOutput, type LargeOutput } from './large-output.ts';
import { smartText } from './smart-text.ts';
import {
  digestOfString,
  referenceKey,
  type StringHolder,
  type StringPlace,
  type StringReference,
  storedCharsMin,
} from './string-reference.ts';
import { isRefused, recalledOutput, shownOutput } from './tool-output.ts';

const dataUrlHead = /^data:[^,]{0,200},/;

/** The part of a data URL that says what it is; empty for other strings. */
const headOf = (text: string): string => dataUrlHead.exec(text.slice(0, 256))?.[0] ?? '';

/** Whether a value may have a long string. */
const mayBeLong = (value: Json): boolean =>
  value instanceof JsonText ? value.text.length >= storedCharsMin : typeof value === 'object' || isLong(value);

const isLong = (value: unknown): value is string => typeof value === 'string' && value.length >= storedCharsMin;

/**
 * The long strings that are stored with a run already: the results of tools and models, the items of the session, and
 * the run's input. What a model is sent repeats them; it is recorded with a reference in the place of each.
 */
export class StoredStrings {
  readonly #places = new Map<string, StringPlace>();

  /** The conversation at the start of a run: the items of its session up to its first start, and its own input. */
  addConversation(run: Pick<Run, 'input' | 'sessionSeqAtStart'>, history: readonly JsonRecord[]): void {
    const before = (run.sessionSeqAtStart ?? 0) - history.length; // what is read of a session is its end
    for (const [index, item] of history.entries()) this.#add({ item: before + index + 1 }, item);
    this.#add({ input: true }, toInputItems(run.input));
  }

  /** A large result of a tool, whose step `addStep` has left out. */
  *addLarge(step: number, { shown, value, text }: LargeOutput): Slices<void> {
    yield* this.#addInSlices({ step }, shown);
    if (typeof value === 'object' && value !== null && isLong(text)) this.#note(text, { step, as: 'text' });
  }

  /** A step that has ended. A large result of a tool is left to `addLarge`. */
  addStep({ step, kind, status, output }: Step): void {
    if (status !== 'completed' || !mayBeLong(output)) return;
    const isTool = kind === 'tool_call';
    if (isTool && (isLargeOutput(output) || isRefused(output))) return;
    this.#add({ step }, isTool ? shownOutput(output) : plain(output));
    if (isTool) this.#addText({ step }, output);
  }

  /** JSON with a reference in the place of each long string that is stored. Returns the very same JSON if there is none. */
  refer(value: Json): Json {
    if (typeof value === 'string') return this.#referTo(value) ?? value;
    if (typeof value !== 'object' || value === null || value instanceof JsonText || this.#places.size === 0)
      return value;
    if (Array.isArray(value)) {
      const changed = value.map((item) => this.refer(item));
      return changed.some((item, index) => item !== value[index]) ? changed : value;
    }
    const entries = Object.entries(value);
    const changed = entries.map(([key, item]) => [key, this.refer(item)] as const);
    return changed.some(([, item], index) => item !== entries[index]?.[1]) ? Object.fromEntries(changed) : value;
  }

  #referTo(text: string): StringReference | null {
    if (!isLong(text) || this.#places.size === 0) return null;
    const head = headOf(text);
    return this.#reference(text, '') ?? (head === '' ? null : this.#reference(text, head));
  }

  #reference(text: string, prefix: string): StringReference | null {
    const sha256 = digestOfString(text.slice(prefix.length));
    const place = this.#places.get(sha256);
    if (place === undefined) return null;
    return { [referenceKey]: place, ...(prefix === '' ? {} : { prefix }), bytes: Buffer.byteLength(text), sha256 };
  }

  #add(holder: StringHolder, value: Json, path: readonly (string | number)[] = []): void {
    if (isLong(value)) this.#note(value, { ...holder, path: [...path] });
    else for (const [key, item] of membersOf(value)) if (mayHold(item)) this.#add(holder, item, [...path, key]);
  }

  /** The same in pieces. */
  *#addInSlices(holder: StringHolder, value: Json, path: readonly (string | number)[] = []): Slices<void> {
    if (isLong(value) || !isHeavy(value)) return this.#add(holder, value, path);
    let sum = 0;
    for (const [key, item] of membersOf(value)) {
      if (!mayHold(item)) continue;
      sum += weigh(item);
      if (sum < sliceWeight) this.#add(holder, item, [...path, key]);
      else {
        sum = 0;
        yield;
        yield* this.#addInSlices(holder, item, [...path, key]);
      }
    }
  }

  /** The text that the SDK makes of an object for a model. */
  #addText(holder: StringHolder, output: Json): void {
    const value = recalledOutput(output);
    if (typeof value !== 'object' || value === null) return;
    const text = smartText(value);
    if (isLong(text)) this.#note(text, { ...holder, as: 'text' });
  }

  #note(text: string, place: StringPlace): void {
    const sha256 = digestOfString(text);
    if (!this.#places.has(sha256)) this.#places.set(sha256, place);
  }
}

type Member = readonly [string | number, Json];

const membersOf = (value: Json): Iterable<Member> => {
  if (Array.isArray(value)) return value.entries();
  return typeof value === 'object' && value !== null ? (Object.entries(value) as Member[]) : [];
};

/** Whether a member is a long string, or may have one in it. */
const mayHold = (value: Json): boolean => isLong(value) || (typeof value === 'object' && value !== null);

const plain = (output: Json): Json => (output instanceof JsonText ? (output.toJSON() as Json) : output);
