import { ServiceError } from '../../platform/errors.ts';
import { atOnce, type Slices } from '../../platform/slices.ts';
import {
  isWrappedText,
  type Json,
  type JsonRecord,
  JsonText,
  restOfWrapped,
  toOutputText,
  toolOutputKey,
  toolOutputTextMax,
} from '../../storage/port/index.ts';
import { isCircular, isReadableJson } from './json-check.ts';
import { hasLongString, mayHaveBuffer } from './long-strings.ts';
import { inlineCharsMax, shownText, smartTextInSlices, unwritableText } from './smart-text.ts';
import { decodeValue } from './value-decoder.ts';
import { encodeValue } from './value-encoder.ts';
import { ValueTooLargeError } from './value-limits.ts';

/** Which tool a result is of, and how large it may be, in bytes of the JSON that is recorded. */
export type OutputLimit = { tool: string; bytesMax: number };

type Refusal = { tool: string; size: string; limit: string };

/** What is recorded of a result that is more than its JSON, or whose text is not its JSON. */
type WrappedOutput = { [toolOutputKey]: string; value?: Json; refused?: Refusal };

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

/** What is recorded of a result that `shown` is shown of. */
export const wrapped = (shown: string, encoded: Json): object =>
  ({ [toolOutputKey]: boundedText(shown), value: encoded }) satisfies WrappedOutput;

function wrap(value: unknown, bytesMax: number): Json {
  const encoded = encodeValue(value, bytesMax); // first: a value that is too large is not made a text
  return new JsonText(wrapped(shownText(value), encoded));
}

/** Whether a value has the key by which wrapped results are known. */
export const hasKey = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, toolOutputKey);

/** Whether the JSON of an object is certainly the text that people are shown of it. */
export const isShownAsJson = (text: string): boolean => !mayHaveBuffer(text) && !hasLongString(text, inlineCharsMax);

/** Whether people are shown this text of a value. */
const isShownAs = (value: Json, text: string): boolean =>
  (typeof value === 'object' && isShownAsJson(text)) || shownText(value) === text;

/** A result whose JSON says all of it: recorded as that JSON, unless its text is to leave a picture out. */
function recordJson(value: Json, bytesMax: number): Json {
  const json = typeof value === 'object' && value !== null ? new JsonText(value) : value;
  const text = json instanceof JsonText ? json.text : value;
  const isAsItIs = !hasKey(value) && (typeof text !== 'string' || isShownAs(value, text));
  return isAsItIs ? json : wrap(value, bytesMax);
}

/** Characters that may take more bytes in JSON than by themselves: what is escaped, and some more. */
const escaped = /["\\\p{Cc}\p{Cs}]/u;

function bytesOf(recorded: Json): number {
  if (typeof recorded === 'string' && !escaped.test(recorded)) return Buffer.byteLength(recorded) + 2; // the quotes
  return Buffer.byteLength(recorded instanceof JsonText ? recorded.text : JSON.stringify(recorded));
}

/**
 * A result that cannot be recorded as what it is: the text that the SDK tells a model of it. One that is too large is
 * refused, unless it is circular, of which the model is told no more than that.
 */
export function* recordTextInSlices(value: unknown, why: unknown, limit: OutputLimit): Slices<Json> {
  if (why instanceof ValueTooLargeError) {
    const isUnwritable = yield* isCircular(value);
    return isUnwritable ? unwritableText : refuse({ tool: limit.tool, size: why.size, limit: why.limit });
  }
  return withinLimit(yield* smartTextInSlices(value), limit);
}

/** What is recorded, or that it is refused. */
export function withinLimit(recorded: Json, { tool, bytesMax }: OutputLimit): Json {
  const bytes = bytesOf(recorded);
  return bytes > bytesMax ? refuse({ tool, size: `${bytes} bytes`, limit: `${bytesMax} bytes` }) : recorded;
}

/**
 * A tool's result in the form in which the journal keeps it: JSON as it is; everything else with its type, and with its
 * text for those who cannot read the rest. One that is nested too deeply, or that cannot be looked at, such as a revoked
 * proxy, is recorded as the text that the SDK tells a model of it. A result that is too large is recorded as refused.
 */
export function recordOutput(value: unknown, limit: OutputLimit): Json {
  const { bytesMax } = limit;
  try {
    const recorded = isReadableJson(value, bytesMax) ? recordJson(value as Json, bytesMax) : wrap(value, bytesMax);
    return withinLimit(recorded, limit);
  } catch (error) {
    return atOnce(recordTextInSlices(value, error, limit));
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
  const isShort = !(output instanceof JsonText) || output.text.length < toolOutputTextMax; // as refusals are
  if (!isShort || (output instanceof JsonText && !isWrappedText(output))) return false;
  const recorded = toValue(output);
  return hasKey(recorded) && (recorded as WrappedOutput).refused !== undefined;
}

const valueStart = ',"value":';

/** The JSON of what `shownOutput` shows of a long result, which is not parsed for it. */
export const shownJson = (output: JsonText): string =>
  isWrappedText(output) ? restOfWrapped(output).slice(valueStart.length, -1) : output.text;

/** A recorded result as the API shows it: JSON as it is, everything else as `encodeValue` writes it, bytes as base64. */
export function shownOutput(output: Json): Json {
  const recorded = toValue(output);
  if (!hasKey(recorded)) return recorded;
  const wrapped = recorded as WrappedOutput & JsonRecord;
  return wrapped.refused === undefined ? (wrapped.value as Json) : wrapped[toolOutputKey];
}
