import type { Json, JsonRecord, RunInput, Step } from '../../storage/port/index.ts';
import { toInputItems } from '../../storage/port/index.ts';
import { smartText } from './smart-text.ts';
import {
  digestOfString,
  isReference,
  referenceKey,
  type StringPlace,
  type StringReference,
} from './string-reference.ts';
import { recalledOutput, shownOutput } from './tool-output.ts';

/** The most characters that references are resolved to in one answer of the API; later references stay as they are. */
const resolvedCharsMax = 32 * 1024 * 1024;

/** What references may refer to: the run's steps and input, and the items of its session, by number. */
export type ReferenceSources = {
  steps: readonly Step[];
  input: RunInput;
  items: ReadonlyMap<number, JsonRecord>;
};

/** All references in a JSON value. */
function* referencesIn(value: Json): Generator<StringReference> {
  if (typeof value !== 'object' || value === null) return;
  if (isReference(value)) yield value;
  else for (const item of Object.values(value)) yield* referencesIn(item as Json);
}

/** The numbers of the session's items that the inputs of these steps refer to, in order. */
export function referredItems(steps: readonly Step[]): number[] {
  const numbers = new Set<number>();
  for (const { input } of steps) {
    for (const { [referenceKey]: place } of referencesIn(input)) if ('item' in place) numbers.add(place.item);
  }
  return [...numbers].sort((one, other) => one - other);
}

const at = (value: Json | undefined, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((within, key) => (within as { [key: string]: unknown } | null | undefined)?.[key], value);

/** Replaces references by the strings for which they stand. One that cannot be resolved stays as it is. */
export class ReferenceResolver {
  readonly #sources: ReferenceSources;
  readonly #steps: ReadonlyMap<number, Step>;
  readonly #known = new Map<string, string | null>();
  #chars = 0;

  constructor(sources: ReferenceSources) {
    this.#sources = sources;
    this.#steps = new Map(sources.steps.map((step) => [step.step, step]));
  }

  resolve(value: Json): Json {
    if (typeof value !== 'object' || value === null) return value;
    if (isReference(value)) return this.#stringOf(value) ?? value;
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(item as Json)]));
  }

  #stringOf({ [referenceKey]: place, prefix = '', sha256, bytes }: StringReference): string | null {
    if (this.#chars + bytes > resolvedCharsMax) return null;
    const known = this.#known.get(sha256);
    const text = known === undefined ? this.#read(place, sha256) : known;
    this.#known.set(sha256, text);
    if (text === null) return null;
    this.#chars += bytes;
    return prefix + text;
  }

  #read(place: StringPlace, sha256: string): string | null {
    const text = 'as' in place ? this.#textOf(place) : at(this.#holderOf(place), place.path);
    return typeof text === 'string' && digestOfString(text) === sha256 ? text : null;
  }

  #holderOf(place: StringPlace): Json | undefined {
    if ('input' in place) return toInputItems(this.#sources.input);
    if ('item' in place) return this.#sources.items.get(place.item);
    const step = this.#steps.get(place.step);
    return step && (step.kind === 'tool_call' ? shownOutput(step.output) : step.output);
  }

  #textOf(place: StringPlace): string | null {
    const step = 'step' in place ? this.#steps.get(place.step) : undefined;
    return step === undefined ? null : smartText(recalledOutput(step.output));
  }
}
