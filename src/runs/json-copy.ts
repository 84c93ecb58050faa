import type { Json } from '../storage/port/index.ts';

/** A property that an assignment would not make. */
const prototypeName = '__proto__';

function copyObject(value: object): Json {
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const inner = copyOf((value as Record<string, unknown>)[key]);
    if (inner === undefined) continue;
    if (key === prototypeName) Object.defineProperty(copy, key, { value: inner, enumerable: true });
    else copy[key] = inner;
  }
  return copy;
}

function copyOf(value: unknown): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') throw new TypeError('JSON has no numbers of any size.');
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return value.map((entry) => copyOf(entry) ?? null);
  if ('toJSON' in value) return JSON.parse(JSON.stringify(value)) as Json;
  return copyObject(value);
}

/** The value as it would come back from JSON, independent of the original; no text is made in between. */
export const toJson = (value: unknown): Json => copyOf(value) ?? null;
