import { copyInSlices, jsonInSlices } from '../../platform/json-slices.ts';
import type { Slices } from '../../platform/slices.ts';
import { isDivisible, isHeavy } from '../../platform/weight.ts';
import { type Json, JsonText } from '../../storage/port/index.ts';
import { isReadableJsonInSlices } from './json-check.ts';
import { mayHaveBuffer } from './long-strings.ts';
import { shownText, shownTextInSlices, smartTextInSlices } from './smart-text.ts';
import {
  hasKey,
  isRefused,
  isShownAsJson,
  type OutputLimit,
  recalledOutput,
  recordTextInSlices,
  shownOutput,
  withinLimit,
  wrapped,
} from './tool-output.ts';
import { decodeInSlices } from './value-decoder.ts';
import { encodeInSlices } from './value-encoder.ts';

/** A large result in all its forms, so that none of them is made again. */
export type LargeOutput = {
  /** As its step records it; see `recordOutput`. */
  output: Json;
  /** As the SDK receives it; see `recalledOutput`. */
  value: unknown;
  /** The text that the SDK sends to the model, where it sends text; see `smartText`. */
  text: string;
  /** As the API shows it; see `shownOutput`. */
  shown: Json;
};

/** A result of which more than this is recorded is large, in characters of JSON. */
const recordedCharsMin = 600_000;

/** Whether a recorded result is so large that it is worked on in pieces. */
export const isLargeOutput = (output: Json): boolean =>
  output instanceof JsonText ? output.text.length >= recordedCharsMin : isHeavy(output);

/** JSON that says all of a result and is what people are shown of it; null for other results. */
function* recordPlain(value: unknown, limit: OutputLimit): Slices<LargeOutput | null> {
  if (typeof value === 'string') {
    if (shownText(value) !== value) return null;
    const output = new JsonText(value);
    yield;
    return { output: withinLimit(output, limit), value, text: value, shown: value };
  }
  if (!isDivisible(value) || hasKey(value) || !(yield* isReadableJsonInSlices(value, limit.bytesMax))) return null;
  const { text, copy } = yield* copyInSlices(value);
  yield;
  if (!isShownAsJson(text) && (yield* shownTextInSlices(copy)) !== text) return null;
  yield;
  const told = mayHaveBuffer(text) ? yield* smartTextInSlices(copy) : text;
  yield;
  return { output: withinLimit(new JsonText(copy, text), limit), value: copy, text: told, shown: copy as Json };
}

/** A result with its types, and with a text for those who cannot read the rest. */
function* recordWrapped(value: unknown, limit: OutputLimit): Slices<LargeOutput> {
  const shown = yield* encodeInSlices(value, limit.bytesMax);
  yield;
  const whole = wrapped(yield* shownTextInSlices(value), shown);
  const json = yield* jsonInSlices(whole);
  yield;
  const output = withinLimit(new JsonText(whole, json), limit);
  const recalled = yield* decodeInSlices(shown);
  yield;
  return { output, value: recalled, text: yield* smartTextInSlices(recalled), shown };
}

/** A large result as `recordOutput` records it, made in pieces, and what follows from it. */
export function* recordLarge(value: unknown, limit: OutputLimit): Slices<LargeOutput> {
  try {
    return (yield* recordPlain(value, limit)) ?? (yield* recordWrapped(value, limit));
  } catch (error) {
    const output = yield* recordTextInSlices(value, error, limit);
    return { output, value: output, text: typeof output === 'string' ? output : '', shown: output };
  }
}

/**
 * A large recorded result, read in pieces.
 *
 * @throws {ServiceError} `tool_output_too_large` for a result that was too large to be recorded
 */
export function* recallLarge(output: Json): Slices<LargeOutput> {
  if (isRefused(output)) recalledOutput(output);
  const recorded = output instanceof JsonText ? (output.toJSON() as Json) : output;
  yield;
  if (typeof recorded === 'string') return { output, value: recorded, text: recorded, shown: recorded };
  if (hasKey(recorded)) {
    const shown = shownOutput(recorded);
    const value = yield* decodeInSlices(shown);
    yield;
    return { output, value, text: yield* smartTextInSlices(value), shown };
  }
  // What was parsed belongs to nobody else.
  const parsed = output instanceof JsonText ? { text: output.text, copy: recorded } : null;
  const { text, copy } = parsed ?? (yield* copyInSlices(recorded as object));
  yield;
  return { output, value: copy, text: mayHaveBuffer(text) ? yield* smartTextInSlices(copy) : text, shown: recorded };
}
