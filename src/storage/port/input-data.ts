import { hash } from 'node:crypto';
import type { InputData, Json, JsonRecord, RunInput } from './types.ts';

/** What a marker says of the data that it stands for. */
export type DataReference = { n: number; bytes: number; digest: string; mediaType: string };

/** Data that has at most so many characters stays in the input. */
export const inlineDataCharsMax = 4_096;

// No text of an input holds NUL: the API refuses it.
const markerStart = '\0';

/** The bytes of a `data:` URL in base64, or of base64 alone. */
export const bytesOfData = (data: string): Buffer => Buffer.from(data.slice(data.indexOf(',') + 1), 'base64');

/** The fields of content parts that hold data, and the media type of data without its own. */
const dataFields: Record<string, { field: string; mediaTypeOf: (part: JsonRecord) => string }> = {
  input_image: { field: 'image', mediaTypeOf: () => 'application/octet-stream' },
  input_file: { field: 'file', mediaTypeOf: () => 'application/octet-stream' },
  audio: { field: 'audio', mediaTypeOf: ({ format }) => `audio/${format === 'mp3' ? 'mpeg' : format}` },
};

const mediaTypeOfUrl = (data: string): string | undefined => /^data:([^;,]*)/.exec(data)?.[1];

function toMarker(n: number, data: string, fallback: string): string {
  const bytes = bytesOfData(data);
  const digest = hash('sha256', bytes, 'hex');
  return `${markerStart}${n} ${bytes.length} ${digest} ${mediaTypeOfUrl(data) ?? fallback}`;
}

/** The reference that a marker is; null for any other value. */
export function readMarker(value: unknown): DataReference | null {
  if (typeof value !== 'string' || !value.startsWith(markerStart)) return null;
  const [n, bytes, digest = '', mediaType = ''] = value.slice(markerStart.length).split(' ');
  return { n: Number(n), bytes: Number(bytes), digest, mediaType };
}

const isData = (value: unknown): value is string =>
  typeof value === 'string' && !/^https?:/i.test(value) && !value.startsWith(markerStart);

/** The input with every data field of its content parts replaced by what `replace` returns. */
function mapData(input: RunInput, replace: (data: string, mediaType: string) => string): RunInput {
  if ('text' in input) return input;
  const mapPart = (part: Json): Json => {
    const { type } = part as JsonRecord;
    const known = dataFields[String(type)];
    const value = known && (part as JsonRecord)[known.field];
    if (known === undefined || typeof value !== 'string') return part;
    return { ...(part as JsonRecord), [known.field]: replace(value, known.mediaTypeOf(part as JsonRecord)) };
  };
  const items = input.items.map((item) =>
    Array.isArray(item.content) ? { ...item, content: item.content.map(mapPart) } : item,
  );
  return { items };
}

/** Separates an input from its large data, which is numbered from 1 in the order in which it stands there. */
export function detachData(input: RunInput): { input: RunInput; data: InputData[] } {
  const data: InputData[] = [];
  const outline = mapData(input, (value, mediaType) => {
    if (!isData(value) || value.length <= inlineDataCharsMax) return value;
    const marker = toMarker(data.length + 1, value, mediaType);
    data.push({ marker, data: value });
    return marker;
  });
  return { input: outline, data };
}

/** Whether an input has data that is stored beside it. */
export function hasDetachedData(input: RunInput): boolean {
  let found = false;
  mapData(input, (value) => {
    found ||= value.startsWith(markerStart);
    return value;
  });
  return found;
}

/** The input with its data, as it came. */
export function attachData(input: RunInput, data: readonly InputData[]): RunInput {
  const byMarker = new Map(data.map((each) => [each.marker, each.data]));
  return mapData(input, (value) => byMarker.get(value) ?? value);
}
