import { assign, define } from '../../platform/own-property.ts';
import type { Slices } from '../../platform/slices.ts';
import { isDivisible, isHeavy, sliceWeight, weigh } from '../../platform/weight.ts';
import type { Json } from '../../storage/port/index.ts';
import { errorClasses, typeKey, views } from './encoded-value.ts';

type Tagged = { [key: string]: Json };

const why =
  'The journal keeps the fields of a tool’s result, not its code: return a plain object that has what you need.';

/** Stands for a function of a result: it has its text, and calling it says why it cannot be called. */
function lostFunction({ name, text = 'function () {}' }: Tagged): () => never {
  const lost = () => {
    throw new Error(`A function in a tool’s result was called. ${why}`);
  };
  return Object.defineProperties(lost, { name: { value: name }, toString: { value: () => text } });
}

/** Stands for the class of a result: reading what the class had says why it is not there. */
function standIn(name: string, members: readonly string[]): object {
  const lost = Object.defineProperty(class {}, 'name', { value: name });
  const prototype = lost.prototype as object;
  for (const member of members) {
    Object.defineProperty(prototype, member, {
      configurable: true,
      get() {
        throw new Error(`${name}.${member} of a tool’s result was read. ${why}`);
      },
    });
  }
  return prototype;
}

function toBytes(of: string, data: string): unknown {
  if (of === 'Buffer') return Buffer.from(data, 'base64');
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'));
  if (of === 'ArrayBuffer') return buffer;
  if (of === 'SharedArrayBuffer') {
    const shared = new SharedArrayBuffer(buffer.byteLength);
    new Uint8Array(shared).set(new Uint8Array(buffer));
    return shared;
  }
  const View = views.get(of);
  if (View === undefined) throw new Error(`A recorded result has bytes of an unknown class ${of}.`);
  return new View(buffer);
}

function toSymbol({ key, description }: Tagged): symbol {
  return typeof key === 'string' ? Symbol.for(key) : Symbol((description as string | null) ?? undefined);
}

const throws = () => {
  throw new Error('A part of a tool’s result could not be read.');
};

const typeOf = (json: Json | undefined): unknown =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, typeKey) ? (json as Tagged)[typeKey] : undefined;

/** Reads one value; it numbers objects as `ValueEncoder` does. */
class ValueDecoder {
  readonly #objects: unknown[] = [];
  readonly #classes: object[] = [];

  decode(json: Json): unknown {
    if (typeof json !== 'object' || json === null) return json;
    if (Array.isArray(json)) return this.list(json);
    const type = typeOf(json);
    const tagged = json as Tagged;
    if (type === undefined) return this.fill(this.add({}), tagged);
    const read = readers[type as string];
    if (read === undefined) throw new Error(`A recorded result has a value of an unknown type ${type}.`);
    return read(tagged, this);
  }

  /** As `decode`, in pieces where the value is large. */
  *decodeInSlices(json: Json): Slices<unknown> {
    if (typeof json !== 'object' || json === null || typeOf(json) !== undefined || !isHeavy(json))
      return this.decode(json);
    const object: object = this.add(Array.isArray(json) ? Array(json.length) : {});
    let sum = 0;
    for (const [key, item] of Object.entries(json)) {
      const weight = weigh(item);
      if (weight >= sliceWeight && typeOf(item) === undefined) assign(object, key, yield* this.decodeInSlices(item));
      else this.#set(object, key, item);
      sum += weight;
      if (sum < sliceWeight) continue;
      sum = 0;
      yield;
    }
    return object;
  }

  /** Numbers an object; to be called before what is in it is read. */
  add<T>(object: T): T {
    this.#objects.push(object);
    return object;
  }

  numbered(number: number): unknown {
    return this.#objects[number];
  }

  /** The class of an instance. */
  classOf({ of, class: name, members }: Tagged): object {
    const prototype = this.#classes[of as number] ?? standIn(name as string, members as string[]);
    this.#classes[of as number] = prototype;
    return prototype;
  }

  list(written: readonly Json[]): unknown[] {
    const list: unknown[] = this.add([]);
    list.length = written.length;
    for (const [index, item] of written.entries()) this.#set(list, String(index), item);
    return list;
  }

  fill<T extends object>(object: T, fields: Tagged): T {
    for (const [key, item] of Object.entries(fields)) this.#set(object, key, item);
    return object;
  }

  /** A built-in object with what it has besides. */
  own({ value, fields, json }: Tagged): object {
    return this.fillWithMethods(this.decode(value as Json) as object, { fields: fields ?? {}, json } as Tagged);
  }

  /** An object of a class, with the members of that class that were read. */
  instance(tagged: Tagged): object {
    const object = this.add(Object.create(this.classOf(tagged)) as object);
    this.fill(object, tagged.fields as Tagged);
    for (const [name, item] of Object.entries((tagged.read ?? {}) as Tagged)) {
      const isReadable = typeOf(item) !== 'throws';
      const value = isReadable ? this.decode(item) : undefined;
      Object.defineProperty(object, name, { configurable: true, get: isReadable ? () => value : throws });
    }
    return this.fillWithMethods(object, { ...tagged, fields: {} });
  }

  /** An object that may say itself what its JSON and its text are. */
  fillWithMethods<T extends object>(object: T, { fields, json, text }: Tagged): T {
    this.fill(object, fields as Tagged);
    if (text !== undefined) this.#answer(object, 'toString', text);
    if (json !== undefined) this.#answer(object, 'toJSON', json);
    return object;
  }

  #answer(object: object, method: string, answer: Json): void {
    const isReadable = typeOf(answer) !== 'throws';
    const value = isReadable ? this.decode(answer) : undefined;
    Object.defineProperty(object, method, { value: isReadable ? () => value : throws });
  }

  #set(object: object, key: string, item: Json): void {
    const type = typeOf(item);
    if (type === 'throws') Object.defineProperty(object, key, { get: throws, enumerable: true, configurable: true });
    else if (type !== 'hole') (isDivisible(object) ? assign : define)(object, key, this.decode(item));
  }
}

function toError({ name, message, cause, ...rest }: Tagged, decoder: ValueDecoder): Error {
  const error = decoder.add(new (errorClasses.get(name as string) ?? Error)(message as string));
  // Its own stack would show where it was read.
  Object.defineProperty(error, 'stack', { value: `${name}: ${message}`, configurable: true, writable: true });
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (cause !== undefined)
    Object.defineProperty(error, 'cause', { value: decoder.decode(cause), configurable: true, writable: true });
  return decoder.fillWithMethods(error, rest);
}

function toMap(entries: readonly [Json, Json][], decoder: ValueDecoder): Map<unknown, unknown> {
  const map = decoder.add(new Map());
  for (const [key, value] of entries) map.set(decoder.decode(key), decoder.decode(value));
  return map;
}

function toSet(values: readonly Json[], decoder: ValueDecoder): Set<unknown> {
  const set = decoder.add(new Set());
  for (const value of values) set.add(decoder.decode(value));
  return set;
}

/** A boxed primitive has its number before the primitive, which is no object. */
const toBoxed = ({ value }: Tagged, decoder: ValueDecoder): object =>
  decoder.add(Object(decoder.decode(value as Json)));

const readers: { readonly [type: string]: (tagged: Tagged, decoder: ValueDecoder) => unknown } = {
  undefined: () => undefined,
  number: ({ value }) => Number(value),
  bigint: ({ value }) => BigInt(value as string),
  symbol: toSymbol,
  function: lostFunction,
  ref: ({ to }, decoder) => decoder.numbered(to as number),
  date: ({ value }, decoder) => decoder.add(new Date((value as string | null) ?? Number.NaN)),
  map: ({ entries }, decoder) => toMap(entries as [Json, Json][], decoder),
  set: ({ values }, decoder) => toSet(values as Json[], decoder),
  regexp: ({ source, flags }, decoder) => decoder.add(new RegExp(source as string, flags as string)),
  url: ({ value }, decoder) => decoder.add(new URL(value as string)),
  boxed: toBoxed,
  error: toError,
  bytes: ({ of, data }, decoder) => decoder.add(toBytes(of as string, data as string)),
  object: (tagged, decoder) => decoder.fillWithMethods(decoder.add({}), tagged),
  instance: (tagged, decoder) => decoder.instance(tagged),
  own: (tagged, decoder) => decoder.own(tagged),
};

/** Reads a value that `encodeValue` has written. */
export const decodeValue = (json: Json): unknown => new ValueDecoder().decode(json);

/** The same in pieces. */
export const decodeInSlices = (json: Json): Slices<unknown> => new ValueDecoder().decodeInSlices(json);
