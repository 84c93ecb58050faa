import { setImmediate } from 'node:timers/promises';
import { type Json, JsonText } from '../../storage/port/index.ts';
import { recalledOutput, recordOutput } from '../tool-outputs/tool-output.ts';
import type { RunScope } from './run-scope.ts';

/** What a tool returned, as its step records it; see `recordOutput`. */
export const recordResult = ({ attempt }: RunScope, tool: string, value: unknown): Json =>
  recordOutput(value, { tool, bytesMax: attempt.toolOutputBytesMax });

/** A result of so many characters, or so many values, is large: work on it takes long. */
const large = { chars: 1_000_000, values: 20_000 };

/** Whether a value is large, found by looking at no more of it than tells. */
function isLarge(result: unknown): boolean {
  if (result instanceof JsonText) return result.text.length > large.chars;
  let [chars, values] = [0, 0];
  const waiting = [result];
  while (waiting.length > 0 && chars <= large.chars && values <= large.values) {
    const value = waiting.pop();
    values += 1;
    if (typeof value === 'string') chars += value.length;
    else if (ArrayBuffer.isView(value)) chars += value.byteLength;
    else if (Array.isArray(value)) {
      if (value.length > large.values) return true;
      waiting.push(...value);
    } else if (typeof value === 'object' && value !== null) waiting.push(...ownValues(value));
  }
  return chars > large.chars || values > large.values;
}

/** What JSON is made of, but for getters, which might do something. */
function ownValues(object: object): unknown[] {
  const fields = Object.values(Object.getOwnPropertyDescriptors(object));
  return fields.filter(({ enumerable }) => enumerable).map(({ value }) => value as unknown);
}

function isSafelyLarge(result: unknown): boolean {
  try {
    return isLarge(result);
  } catch {
    return false; // a proxy that cannot be looked at
  }
}

/**
 * Lets others have their turn where a result is large: the work on it is done in pieces, so that probes wait for one of
 * them at most.
 */
export async function giveWay(result: unknown): Promise<void> {
  if (isSafelyLarge(result)) await setImmediate();
}

/**
 * A recorded result as the SDK receives it, in the first execution too, so that both see the same.
 *
 * @throws {ServiceError} `tool_output_too_large`, which ends the run: an agent used as a tool would tell its caller of it
 */
export function recallResult({ attempt, within }: RunScope, output: Json): unknown {
  try {
    return recalledOutput(output);
  } catch (error) {
    attempt.interrupt(error, within);
    throw error;
  }
}
