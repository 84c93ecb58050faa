import { randomBytes } from 'node:crypto';
import { isRecord } from '../../../platform/is-record.ts';
import { CallArguments, resolveArguments } from './call-arguments.ts';
import { parsedOf, textOf } from './json-text.ts';

/** The id of a call for which the server has none. */
export const newCallId = (): string => `call_${randomBytes(12).toString('hex')}`;

/** The greatest index that is kept as the server gives it. */
const indexMax = 10_000;

type Fields = Record<string, unknown>;

/** What one entry of `tool_calls` says of a call. Null for what it does not say. */
type Said = { index: number | null; id: string | null; name: string | null; fragment: string };

/** One call, as far as it has arrived. */
type Call = {
  /** Its index for the SDK. */
  readonly index: number;
  readonly given: CallArguments;
  id: string | null;
  name: string;
  /** `extra_content` of its deltas: see `KeptFields`. */
  extra: unknown;
  /** Whether a delta of it was passed on. */
  isBegun: boolean;
  /** The number of the chunk that spoke of it last. */
  chunk: number;
};

/** A text that is not empty, or a number as text. Null for anything else. */
function nameOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The JSON of a value; of one that is nested too deep, text that is none, so that it is not taken for no arguments. */
function fragmentOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : textOf(value) || '[';
}

const textName = (value: unknown): string | null => nameOf(typeof value === 'string' ? value.trim() : value);

/**
 * The function of an entry. Some servers have its fields in the entry itself, or its name alone, or its JSON; a call of a
 * custom tool becomes one of a function of that name.
 */
function functionOf(entry: Fields): Fields {
  const { function: its, custom } = entry;
  if (isRecord(its)) return its;
  if (typeof its === 'string' && its !== '') {
    const parsed = parsedOf(its);
    return isRecord(parsed) ? parsed : { ...argumentsIn(entry), name: its };
  }
  if (!isRecord(custom)) return { ...argumentsIn(entry), name: entry.name };
  delete entry.custom;
  return { ...argumentsIn(custom), name: custom.name };
}

/** The arguments, by the names that servers have for them. */
const argumentsIn = (its: Fields): Fields => ({ arguments: its.arguments ?? its.input ?? its.parameters });

/** The entries of a list of calls; one that is a text and no JSON is one without a name. */
function entriesOf(calls: readonly unknown[]): Fields[] {
  return calls.flatMap((entry): Fields[] => {
    if (typeof entry !== 'string' || entry.trim() === '') return isRecord(entry) ? [entry] : [];
    const parsed = parsedOf(entry);
    return [isRecord(parsed) ? parsed : { function: { arguments: entry } }];
  });
}

function indexOf(value: unknown): number | null {
  const index = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return Number.isInteger(index) ? (index as number) : null;
}

/**
 * The tool calls of a streamed answer. It decides which call each delta belongs to, whatever the server makes of `index` and
 * `id`, and mends the deltas so that the SDK puts the same calls together.
 */
export class ToolCalls {
  readonly #calls: Call[] = [];
  /** The last call with each index of the server. */
  readonly #byIndex = new Map<number, Call>();
  /** The last call with each id. */
  readonly #byId = new Map<string, Call>();
  readonly #indexes = new Set<number>();
  readonly #newId: () => string;
  #nextIndex = 0;
  #last: Call | undefined;
  #lastIndex: number | null = null;
  #chunk = 0;
  /** Whether any call has `extra_content`. */
  hasExtras = false;

  constructor(newId: () => string = newCallId) {
    this.#newId = newId;
  }

  /** The deltas of a chunk as the SDK expects them, mended in place. */
  add(deltas: unknown[]): unknown[] {
    this.#chunk += 1;
    if (deltas.length === 1 && this.#continuesPlainly(deltas[0] as Fields | null)) return deltas;
    return entriesOf(deltas).filter((delta) => this.#mend(delta));
  }

  /** The deltas with what was held back or never came, for the end of the answer. */
  end(): Fields[] {
    return this.#calls
      .map(({ index, id, given }) => ({ index, id, rest: given.rest() }))
      .filter(({ id, rest }) => id === null || rest !== '')
      .map(({ index, id, rest }) => ({
        index,
        ...(id === null ? { id: this.#newId() } : {}),
        type: 'function',
        function: { arguments: rest },
      }));
  }

  /** `extra_content` of the calls in the order in which the SDK has them. */
  extras(): unknown[] {
    return this.#calls.toSorted((one, other) => one.index - other.index).map(({ extra }) => extra);
  }

  /** Whether a call has no name, so that no tool can be found for it. */
  isNameless(): boolean {
    return this.#calls.some(({ name }) => name === '');
  }

  /** The usual delta has only more arguments of the last call. */
  #continuesPlainly(delta: Fields | null): boolean {
    const call = this.#last;
    if (call === undefined || delta?.index !== call.index || call.index !== this.#lastIndex) return false;
    if (delta.id !== undefined || !isRecord(delta.function)) return false;
    const { name, arguments: fragment } = delta.function;
    if (name !== undefined || typeof fragment !== 'string') return false;
    if (!call.given.add(fragment)) delta.function.arguments = '';
    return true;
  }

  /** Mends one delta in place. False if it says nothing. */
  #mend(delta: Fields): boolean {
    const its = functionOf(delta);
    const said: Said = {
      index: indexOf(delta.index),
      id: nameOf(delta.id ?? delta.call_id),
      name: textName(its.name),
      fragment: fragmentOf(argumentsIn(its).arguments),
    };
    const found = this.#find(said);
    if (found === undefined && said.id === null && said.name === null && said.fragment === '') return false;
    const call = found ?? this.#begin(said.index);
    this.#note(call, said);
    delta.index = call.index;
    if (delta.extra_content != null) {
      call.extra = delta.extra_content;
      this.hasExtras = true;
    }
    this.#write(delta, its, call, said);
    call.id ??= said.id;
    return true;
  }

  /** Writes what a delta says that is new of its call. What is as it should be stays as it is. */
  #write(delta: Fields, its: Fields, call: Call, { id, name, fragment }: Said): void {
    if (call.id === null && id !== null) delta.id = id;
    else if ('id' in delta && delta.id !== call.id) delete delta.id;
    if (delta.type === undefined ? !call.isBegun : delta.type !== 'function') delta.type = 'function';
    const newName = this.#newPartOf(name, call);
    if (newName !== '') its.name = newName;
    else if ('name' in its) delete its.name;
    const passed = call.given.add(fragment) ? fragment : '';
    if (its.arguments !== undefined || passed !== '') its.arguments = passed;
    delta.function = its;
    call.name += newName;
    call.isBegun = true;
  }

  /** What a name adds to that of its call: nothing if it comes again, and the end of a name that grows. */
  #newPartOf(name: string | null, call: Call): string {
    if (name === null || !call.given.isBlank()) return call.name === '' ? (name ?? '') : '';
    return name.startsWith(call.name) ? name.slice(call.name.length) : name;
  }

  /** The call that a delta continues; undefined if it begins one. */
  #find(said: Said): Call | undefined {
    const known = this.#candidate(said);
    return known === undefined || this.#isAnother(known, said) ? undefined : known;
  }

  #candidate({ index, id, name }: Said): Call | undefined {
    const byId = id === null ? undefined : this.#byId.get(id);
    const byIndex = index === null ? undefined : this.#byIndex.get(index);
    if (byIndex !== undefined) return id !== null && byIndex.id !== id ? (byId ?? byIndex) : byIndex;
    if (index === null) return byId ?? this.#last;
    // A new index. It begins a call, unless the delta can only be more of one that is there.
    if (byId !== undefined) return name === null || this.#isUnfinished(byId) ? byId : undefined;
    return name === null && id === null && this.#last !== undefined && !this.#last.given.isComplete()
      ? this.#last
      : undefined;
  }

  #isUnfinished = ({ given }: Call): boolean => !given.isBlank() && !given.isComplete();

  /** Whether a delta that could continue a call begins another one: only a delta with a name can. */
  #isAnother(call: Call, { index, id, name, fragment }: Said): boolean {
    if (name === null) return false;
    const hasOtherId = id !== null && call.id !== null && id !== call.id;
    if (call.chunk === this.#chunk && (id === null || hasOtherId)) return true;
    const isBlank = call.given.isBlank();
    const hasOtherName = name !== call.name && !(isBlank && name.startsWith(call.name));
    if (hasOtherName && (hasOtherId || index === null)) return true;
    if (isBlank) return hasOtherId && index === null;
    if (!call.given.isComplete()) return false;
    if (hasOtherName) return true;
    return hasOtherId ? index === null || fragment.trim() !== '' : !call.given.canRepeat(fragment);
  }

  #begin(index: number | null): Call {
    const isFree = index !== null && index >= 0 && index <= indexMax && !this.#indexes.has(index);
    const own = isFree ? index : this.#nextIndex;
    const given = new CallArguments();
    const call: Call = { index: own, given, id: null, name: '', extra: undefined, isBegun: false, chunk: 0 };
    this.#indexes.add(own);
    this.#nextIndex = Math.max(this.#nextIndex, own + 1);
    this.#calls.push(call);
    return call;
  }

  #note(call: Call, { index, id }: Said): void {
    call.chunk = this.#chunk;
    this.#last = call;
    this.#lastIndex = index;
    if (index !== null) this.#byIndex.set(index, call);
    if (id !== null) this.#byId.set(id, call);
  }
}

/**
 * The tool calls of an answer in one piece as the SDK expects them, mended in place. The SDK sends all fields back with the
 * conversation: those under which only this server has name and arguments are removed.
 */
export function mendToolCalls(calls: unknown[], newId: () => string = newCallId): unknown[] {
  return entriesOf(calls).filter((call) => {
    const its = functionOf(call);
    const name = textName(its.name);
    const id = nameOf(call.id ?? call.call_id);
    const fragment = fragmentOf(argumentsIn(its).arguments);
    if (name === null && id === null && (fragment === '' || fragment === '{}')) return false;
    call.id = id ?? newId();
    call.type = 'function';
    its.name = name ?? '';
    its.arguments = resolveArguments([fragment]);
    call.function = its;
    for (const fields of [call, its]) for (const name of ['input', 'parameters', 'call_id']) delete fields[name];
    for (const name of ['name', 'arguments', 'custom']) delete call[name];
    return true;
  });
}
