import { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { assign } from '../../platform/own-property.ts';
import type { Slices } from '../../platform/slices.ts';
import { isDivisible, isHeavy, sliceWeight, weigh } from '../../platform/weight.ts';
import type { Json } from '../../storage/port/index.ts';
import { depthMax, typeKey, views } from './encoded-value.ts';
import { MembersRead } from './read-members.ts';
import { stringBytesMin, ValueTooDeepError, ValueTooLargeError, valueBytesMin } from './value-limits.ts';

/** The most names of a class's members that are recorded. */
const membersMax = 200;

/** What is undefined is left out of the JSON. */
const tagged = (type: string, rest: { [key: string]: Json | undefined } = {}): Json =>
  ({ [typeKey]: type, ...rest }) as Json;

type WithToJson = { toJSON(key: string): unknown };
const hasToJson = (value: object): value is WithToJson => typeof (value as Partial<WithToJson>).toJSON === 'function';

/** The contents and the time of built-in objects, past what a subclass makes of them. */
const entriesOf = (map: Map<unknown, unknown>) => Map.prototype.entries.call(map);
const valuesOf = (set: Set<unknown>) => Set.prototype.values.call(set);
function isoOf(date: Date): string | null {
  const atMs = Date.prototype.getTime.call(date);
  return Number.isNaN(atMs) ? null : new Date(atMs).toISOString();
}

const builtInToJson: ReadonlySet<unknown> = new Set([
  Date.prototype.toJSON,
  URL.prototype.toJSON,
  Buffer.prototype.toJSON,
]);
/** Whether a built-in object says itself what its JSON is, other than all of its kind. An error has it written anyway. */
const hasOwnJson = (value: object): boolean =>
  !types.isNativeError(value) && hasToJson(value) && !builtInToJson.has(value.toJSON);

const isPlainObject = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** The class of a view, whatever a subclass calls itself; a class of views that this version does not know is an object. */
function viewClassOf(value: ArrayBufferView): string {
  if (Buffer.isBuffer(value)) return 'Buffer';
  return types.isTypedArray(value) ? String(value[Symbol.toStringTag]) : 'DataView';
}

/** What a class has that its instances do not carry: methods and accessors. */
function membersOf(prototype: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = prototype; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  for (const name of ['constructor', 'toJSON', 'toString', 'then']) names.delete(name);
  return [...names].slice(0, membersMax);
}

/** Writes one value as JSON. Objects are numbered in the order in which they are reached, so that each is written once. */
class ValueEncoder {
  readonly #bytesMax: number;
  readonly #numbers = new Map<object, number>();
  readonly #classes = new Map<object, number>();
  readonly #membersRead: MembersRead;
  #bytes = 0;
  #depth = 0;
  /** How much was written since others had their turn. */
  #weight = 0;

  constructor(result: unknown, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#membersRead = new MembersRead(result);
  }

  encode(value: unknown): Json {
    this.#count(valueBytesMin);
    switch (typeof value) {
      case 'string':
        this.#count(Buffer.byteLength(value) + 1); // and another quote
        return value;
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return tagged('number', { value: Object.is(value, -0) ? '-0' : String(value) });
      case 'undefined':
        return tagged('undefined');
      case 'bigint':
        return tagged('bigint', { value: String(value) });
      case 'symbol':
        return tagged('symbol', { key: Symbol.keyFor(value) ?? null, description: value.description ?? null });
      case 'function': // the whole output is sent to the model as its source text; a field that is a function is not
        return tagged('function', { name: value.name, text: this.#depth === 0 ? String(value) : undefined });
      default:
        return typeof value === 'object' && value !== null ? this.#object(value) : null;
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) throw ValueTooLargeError.atLeast(this.#bytes, this.#bytesMax);
  }

  /** As `encode`, in pieces where the value is large: lists and plain objects are written member by member. */
  *encodeInSlices(value: unknown): Slices<Json> {
    const isDivided = isHeavy(value) && isDivisible(value) && !this.#numbers.has(value) && !hasToJson(value);
    if (!isDivided) return this.encode(value);
    this.#count(valueBytesMin);
    this.#enter(value);
    const written = Array.isArray(value) ? yield* this.#listInSlices(value) : yield* this.#plainInSlices(value);
    this.#depth -= 1;
    return written;
  }

  *#listInSlices(list: readonly unknown[]): Slices<Json> {
    const written: Json[] = [];
    for (let index = 0; index < list.length; index += 1) {
      written.push(index in list ? yield* this.#readInSlices(() => list[index]) : this.#hole());
    }
    return written;
  }

  *#plainInSlices(value: object): Slices<Json> {
    const fields = {};
    for (const key of Object.keys(value)) {
      this.#count(Buffer.byteLength(key) + stringBytesMin);
      assign(fields, key, yield* this.#readInSlices(() => this.#readMember(value, key)));
    }
    return this.#escaped(fields);
  }

  /** As `#read`, in pieces. */
  *#readInSlices(get: () => unknown): Slices<Json> {
    let value: unknown;
    try {
      value = get();
    } catch {
      return tagged('throws');
    }
    this.#weight += weigh(value);
    if (this.#weight < sliceWeight) return this.encode(value);
    this.#weight = 0;
    yield;
    return yield* this.encodeInSlices(value);
  }

  #enter(value: object): void {
    this.#numbers.set(value, this.#numbers.size);
    this.#depth += 1;
    if (this.#depth > depthMax) throw new ValueTooDeepError(`more than ${depthMax} levels`);
  }

  #object(value: object): Json {
    const known = this.#numbers.get(value);
    if (known !== undefined) return tagged('ref', { to: known });
    this.#enter(value);
    const builtIn = this.#builtIn(value);
    const written = builtIn === undefined ? this.#other(value) : this.#withOwn(value, builtIn);
    this.#depth -= 1;
    return written;
  }

  #other(value: object): Json {
    return isPlainObject(value) ? this.#plain(value) : this.#instance(value);
  }

  /** A built-in object with what it has besides: a JSON of its own, and fields where these are in its JSON. */
  #withOwn(value: object, written: Json): Json {
    const hasFields = types.isMap(value) || types.isSet(value) || types.isRegExp(value) || value instanceof URL;
    const fields = hasFields && Object.keys(value).length > 0 ? this.#fields(value) : undefined;
    const json = hasOwnJson(value) ? this.#jsonOf(value) : undefined;
    return fields === undefined && json === undefined ? written : tagged('own', { value: written, fields, json });
  }

  #builtIn(value: object): Json | undefined {
    if (Array.isArray(value)) return this.#list(value);
    if (types.isDate(value)) return tagged('date', { value: isoOf(value) });
    if (types.isMap(value))
      return tagged('map', {
        entries: [...entriesOf(value)].map(([key, item]) => [this.encode(key), this.encode(item)]),
      });
    if (types.isSet(value)) return tagged('set', { values: [...valuesOf(value)].map((item) => this.encode(item)) });
    if (types.isRegExp(value)) return tagged('regexp', { source: value.source, flags: value.flags });
    if (value instanceof URL) return tagged('url', { value: value.href });
    if (types.isBoxedPrimitive(value)) return tagged('boxed', { value: this.encode(value.valueOf()) });
    if (types.isNativeError(value)) return this.#error(value);
    return this.#binary(value);
  }

  /** Bytes as base64. Of a view on a larger buffer only what the view shows is kept. */
  #binary(value: object): Json | undefined {
    const isView = ArrayBuffer.isView(value);
    if (!isView && !types.isAnyArrayBuffer(value)) return undefined;
    const of = isView ? viewClassOf(value) : types.isSharedArrayBuffer(value) ? 'SharedArrayBuffer' : 'ArrayBuffer';
    if (isView && of !== 'Buffer' && !views.has(of)) return undefined;
    this.#count(Math.ceil(value.byteLength / 3) * 4);
    const bytes = isView ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
    return tagged('bytes', { of, data: bytes.toString('base64') });
  }

  #list(list: readonly unknown[]): Json {
    const written: Json[] = [];
    for (let index = 0; index < list.length; index += 1) {
      written.push(index in list ? this.#read(() => list[index]) : this.#hole());
    }
    return written;
  }

  #hole(): Json {
    this.#count(valueBytesMin);
    return tagged('hole');
  }

  #plain(value: object): Json {
    if (hasToJson(value)) return tagged('object', { fields: this.#fields(value), json: this.#jsonOf(value) });
    return this.#escaped(this.#fields(value));
  }

  /** The fields of a plain object, in a form in which they are not taken for anything else. */
  #escaped(fields: { [key: string]: Json }): Json {
    return Object.hasOwn(fields, typeKey) ? tagged('object', { fields }) : fields;
  }

  #error(error: Error): Json {
    const { name, message } = error;
    const cause = Object.hasOwn(error, 'cause') ? this.encode(error.cause) : undefined;
    const fields = this.#fields(error);
    const json = hasToJson(error) ? this.#jsonOf(error) : undefined;
    return tagged('error', { name: String(name), message: String(message), cause, fields, json });
  }

  /**
   * The fields of an object of a class, and the names of what its class has besides. Streams, sockets and other event
   * emitters are connected to half of the process: their fields are not kept.
   */
  #instance(value: object): Json {
    const isEmitter = value instanceof EventEmitter;
    const described = this.#class(value, isEmitter ? Object.keys(value) : []);
    const fields = isEmitter ? {} : this.#fields(value);
    const read = this.#accessors(value, isEmitter);
    const hasText = value.toString !== Object.prototype.toString;
    const text = hasText ? this.#read(() => String(value)) : undefined;
    const json = hasToJson(value) || isEmitter ? this.#jsonOf(value) : undefined;
    return tagged('instance', { ...described, fields, read, text, json });
  }

  /** What the SDK reads of an object by name and its fields do not have; see `MembersRead`. */
  #accessors(value: object, withFields: boolean): { [key: string]: Json } | undefined {
    const isRead = (name: string) => name in value && (withFields || !Object.hasOwn(value, name));
    const names = this.#membersRead.of(value).filter(isRead);
    return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, this.#member(value, name)]));
  }

  #member(value: object, name: string): Json {
    return this.#read(() => this.#readMember(value, name));
  }

  #readMember(value: object, name: string): unknown {
    const member = (value as Record<string, unknown>)[name];
    this.#membersRead.follow(value, name, member);
    return member;
  }

  #class(value: object, lost: readonly string[]): { [key: string]: Json } {
    const prototype: object = Object.getPrototypeOf(value);
    const known = this.#classes.get(prototype);
    if (known !== undefined) return { of: known };
    const of = this.#classes.size;
    this.#classes.set(prototype, of);
    const members = [...membersOf(prototype), ...lost];
    for (const member of members) this.#count(member.length);
    return { of, class: String(prototype.constructor?.name ?? ''), members };
  }

  #fields(value: object): { [key: string]: Json } {
    const fields = {};
    const withoutToJson = hasToJson(value);
    for (const key of Object.keys(value)) {
      if (withoutToJson && key === 'toJSON') continue;
      this.#count(Buffer.byteLength(key) + stringBytesMin);
      assign(fields, key, this.#member(value, key));
    }
    return fields;
  }

  /** What JSON has for an object that says so itself, which is what a model is sent of it. */
  #jsonOf(value: object): Json {
    return this.#read(() => (hasToJson(value) ? value.toJSON('') : JSON.parse(JSON.stringify(value))));
  }

  /** Writes what a getter gives; the SDK makes no JSON of an object of which one throws. */
  #read(get: () => unknown): Json {
    let value: unknown;
    try {
      value = get();
    } catch {
      return tagged('throws');
    }
    return this.encode(value);
  }
}

/**
 * Writes a value as JSON that `decodeValue` reads.
 *
 * @param bytesMax the most bytes, estimated low: what is known to be larger is not written
 * @throws {ValueTooLargeError} for a value that is larger
 * @throws {ValueTooDeepError} for one that is nested more deeply than `depthMax`
 */
export const encodeValue = (value: unknown, bytesMax: number): Json => new ValueEncoder(value, bytesMax).encode(value);

/** The same in pieces. */
export const encodeInSlices = (value: unknown, bytesMax: number): Slices<Json> =>
  new ValueEncoder(value, bytesMax).encodeInSlices(value);
