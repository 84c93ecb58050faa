import { types } from 'node:util';
import { jsonInSlices, type Replacer } from '../../platform/json-slices.ts';
import type { Slices } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';

/** How many bytes of binary data its text shows. */
const previewBytes = 20;

/** Base64 that is longer is not shown, in characters. */
export const inlineCharsMax = 1_024;

const toHex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

function bytesText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '[byte array (0 bytes)]';
  const preview = [...bytes.subarray(0, previewBytes)].map(toHex).join(' ');
  return `[byte array ${preview}${bytes.length > previewBytes ? ' …' : ''} (${bytes.length} bytes)]`;
}

/** The bytes of what is binary; undefined for everything else. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

type Snapshot = { type: 'Buffer'; data: number[] };

/** What `JSON.stringify` has made of a Buffer before its replacer sees it. */
const isSnapshot = (value: unknown): value is Snapshot =>
  typeof value === 'object' &&
  value !== null &&
  (value as Snapshot).type === 'Buffer' &&
  Array.isArray((value as Snapshot).data);

function withoutBytes(_key: string, value: unknown): unknown {
  const bytes = bytesOf(value);
  if (bytes !== undefined) return bytesText(bytes);
  return isSnapshot(value) ? bytesText(Uint8Array.from(value.data)) : value;
}

/** What the SDK tells a model of an object that cannot become JSON, for whatever reason. */
export const unwritableText = '[object with circular references]';

function textWith(value: unknown, replacer: Replacer): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const bytes = bytesOf(value);
  if (bytes !== undefined) return bytesText(bytes);
  try {
    return JSON.stringify(value, replacer);
  } catch {
    return unwritableText;
  }
}

function* textInSlicesWith(value: unknown, replacer: Replacer): Slices<string> {
  if (!isHeavy(value) || typeof value !== 'object' || value === null) return textWith(value, replacer);
  try {
    return yield* jsonInSlices(value, replacer);
  } catch {
    return unwritableText;
  }
}

/** A tool's result as the text that the SDK sends to the model, where it sends text. */
export const smartText = (value: unknown): string => textWith(value, withoutBytes);

/** The same, made in pieces. */
export const smartTextInSlices = (value: unknown): Slices<string> => textInSlicesWith(value, withoutBytes);

const base64Bytes = (chars: number): number => Math.floor((chars * 3) / 4);

/** How base64 of common pictures and files begins, such as that of a screenshot. */
const beginnings: readonly [string, string][] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi0', 'application/pdf'],
];

/** Where the SDK's images and files have base64 without a media type in front. */
const dataKeys: ReadonlySet<string> = new Set(['data', 'fileData', 'image', 'file']);

type Holder = { mediaType?: unknown; mimeType?: unknown };

/** The media type of base64 that is a picture's or a file's data; null for other text. */
function mediaTypeOfBase64(text: string, key: string, holder: unknown): string | null {
  if (!/^[A-Za-z0-9+/=_-]{64}/.test(text)) return null;
  const begun = beginnings.find(([beginning]) => text.startsWith(beginning))?.[1];
  if (begun === undefined && !dataKeys.has(key)) return null;
  const { mediaType, mimeType } = (holder ?? {}) as Holder;
  const named = [mediaType, mimeType].find((name) => typeof name === 'string');
  return (named as string | undefined) ?? begun ?? 'data';
}

/** A description of a string that is a picture's or a file's data; null for other strings. */
function describeInline(text: string, key: string, holder: unknown): string | null {
  if (text.length <= inlineCharsMax) return null;
  const [prefix = '', type] = /^data:([^,]{0,200}?)(?:;base64)?,/.exec(text.slice(0, 256)) ?? [];
  const mediaType = prefix === '' ? mediaTypeOfBase64(text, key, holder) : type || 'data';
  return mediaType && `[${mediaType}, ${base64Bytes(text.length - prefix.length)} bytes]`;
}

function withoutData(this: unknown, key: string, item: unknown): unknown {
  if (typeof item === 'string') return describeInline(item, key, this) ?? item;
  return withoutBytes(key, item);
}

/**
 * A tool's result as text for people and for records: as the model is sent it, but with a description in the place of
 * an image's or a file's data.
 */
export function shownText(value: unknown): string {
  return typeof value === 'string' ? (describeInline(value, '', null) ?? value) : textWith(value, withoutData);
}

/** The same, made in pieces. */
export function* shownTextInSlices(value: unknown): Slices<string> {
  return typeof value === 'string' ? shownText(value) : yield* textInSlicesWith(value, withoutData);
}
