/**
 * How a value that is more than JSON is written as JSON: an object with this key is not itself but what the key names.
 * An object of the application that has the key is written as `{"$type":"object","fields":{…}}`.
 */
export const typeKey = '$type';

/** The deepest nesting of a value, in levels: what follows (JSON, text for a model) walks through it too. */
export const depthMax = 500;

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

const viewConstructors: readonly ViewConstructor[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];

/** The classes of views on bytes, by name; `Buffer` and the two kinds of array buffers have cases of their own. */
export const views: ReadonlyMap<string, ViewConstructor> = new Map(viewConstructors.map((view) => [view.name, view]));

/** The classes of errors that every process has, by name. */
export const errorClasses: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((error) => [
    error.name,
    error as ErrorConstructor,
  ]),
);
