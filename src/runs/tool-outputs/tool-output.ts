import { ServiceError } from '../../platform/errors.ts';
import {
  type Json,
  type JsonRecord,
  JsonText,
  toOutputText,
  toolOutputKey,
  toolOutputTextMax,
} from '../../storage/port/index.ts';
import { depthMax } from './encoded-value.ts';
import { shownText, smartText, unwritableText } from './smart-text.ts';
import { decodeValue } from './value-decoder.ts';
import { encodeValue, ValueTooLargeError } from './value-encoder.ts';

/** Which tool a result is of, and how large it may be, in bytes of the JSON that is recorded. */
export type OutputLimit = { tool: string; bytesMax: number };

type Refusal = { tool: string; size: string; limit: string };

/** What is recorded of a result that is more than its JSON, or whose text is not its JSON. */
type WrappedOutput = { [toolOutputKey]: string; value?: Json; refused?: Refusal };

/** Whether a value is what `JSON.parse` may have given, so that its JSON says all of it. @throws what a getter throws */
function isJson(value: unknown, levels = depthMax): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || levels === 0) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) {
    const list = value as unknown[];
    for (let index = 0; index < list.length; index += 1) {
      if (!(index in list) || !isJson(list[index], levels - 1)) return false;
    }
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  return (
    typeof (value as { toJSON?: unknown }).toJSON !== 'function' &&
    Object.values(value).every((item) => isJson(item, levels - 1))
  );
}

function isReadableJson(value: unknown): boolean {
  try {
    return isJson(value);
  } catch {
    return false;
  }
}

/** A text with a bound; of a longer one the end is left out. */
export function boundedText(text: string, charsMax = toolOutputTextMax): string {
  if (text.length <= charsMax) return text;
  const kept = text.slice(0, charsMax).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… [${text.length - kept.length} more characters]`;
}

/** A recorded output as the text of an event: at most 64 KiB. */
export const toEventText = (output: Json): string => boundedText(toOutputText(output));

const refuse = (refused: Refusal): Json =>
  new JsonText({
    [toolOutputKey]: `[The result had ${refused.size} and was not kept: ${refused.limit} are the most.]`,
    refused,
  } satisfies WrappedOutput);

function wrap(value: unknown, bytesMax: number): Json {
  const encoded = encodeValue(value, bytesMax); // first: a value that is too large is not made a text
  return new JsonText({ [toolOutputKey]: boundedText(shownText(value)), value: encoded } satisfies WrappedOutput);
}

const hasKey = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, toolOutputKey);

/** A result whose JSON says all of it: recorded as that JSON, unless its text is to leave a picture out. */
function recordJson(value: Json, bytesMax: number): Json {
  const json = typeof value === 'object' && value !== null ? new JsonText(value) : value;
  const text = json instanceof JsonText ? json.text : value;
  const isAsItIs = !hasKey(value) && (typeof text !== 'string' || shownText(value) === text);
  return isAsItIs ? json : wrap(value, bytesMax);
}

const bytesOf = (recorded: Json): number =>
  Buffer.byteLength(recorded instanceof JsonText ? recorded.text : JSON.stringify(recorded));

/**
 * A result that cannot be recorded as what it is: the text that the SDK tells a model of it. One that is too large is
 * refused, unless it is no more than such a text.
 */
function recordText(value: unknown, why: unknown, { tool, bytesMax }: OutputLimit): Json {
  const text = smartText(value);
  if (why instanceof ValueTooLargeError && text !== unwritableText) {
    return refuse({ tool, size: why.size, limit: why.limit });
  }
  const bytes = bytesOf(text);
  return bytes > bytesMax ? refuse({ tool, size: `${bytes} bytes`, limit: `${bytesMax} bytes` }) : text;
}

/**
 * A tool's result in the form in which the journal keeps it: JSON as it is; everything else with its type, and with its
 * text for those who cannot read the rest. One that is nested too deeply, or that cannot be looked at, such as a revoked
 * proxy, is recorded as the text that the SDK tells a model of it. A result that is too large is recorded as refused.
 */
export function recordOutput(value: unknown, limit: OutputLimit): Json {
  const { tool, bytesMax } = limit;
  try {
    const recorded = isReadableJson(value) ? recordJson(value as Json, bytesMax) : wrap(value, bytesMax);
    const bytes = bytesOf(recorded);
    if (bytes <= bytesMax) return recorded;
    return refuse({ tool, size: `${bytes} bytes`, limit: `${bytesMax} bytes` });
  } catch (error) {
    return recordText(value, error, limit);
  }
}

const toValue = (output: Json): Json => (output instanceof JsonText ? (output.toJSON() as Json) : output);

/**
 * A recorded result as the SDK receives it: in the first execution and in every replay the same, since both receive
 * what the journal holds.
 *
 * @throws {ServiceError} `tool_output_too_large` for a result that was too large to be recorded
 */
export function recalledOutput(output: Json): unknown {
  const recorded = toValue(output);
  if (!hasKey(recorded)) return output instanceof JsonText ? recorded : structuredClone(recorded);
  const { value, refused } = recorded as WrappedOutput;
  if (refused !== undefined) throw new ServiceError('tool_output_too_large', refused);
  return decodeValue(value as Json);
}

/** Whether a result was too large to be recorded. */
export function isRefused(output: Json): boolean {
  const recorded = toValue(output);
  return hasKey(recorded) && (recorded as WrappedOutput).refused !== undefined;
}

/** A recorded result as the API shows it: JSON as it is, everything else as `encodeValue` writes it, bytes as base64. */
export function shownOutput(output: Json): Json {
  const recorded = toValue(output);
  if (!hasKey(recorded)) return recorded;
  const wrapped = recorded as WrappedOutput & JsonRecord;
  return wrapped.refused === undefined ? (wrapped.value as Json) : wrapped[toolOutputKey];
}
