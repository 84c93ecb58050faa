import { inSlices, type Slices } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import type { Json } from '../../storage/port/index.ts';
import { isLargeOutput, type LargeOutput, recallLarge, recordLarge } from '../tool-outputs/large-output.ts';
import { isRefused, recalledOutput, recordOutput } from '../tool-outputs/tool-output.ts';
import type { RunScope } from './run-scope.ts';
import { knowResult } from './sdk-serialisation.ts';

/** What a tool returned, as its step records it; see `recordOutput`. */
export const recordResult = ({ attempt }: RunScope, tool: string, value: unknown): Json =>
  recordOutput(value, { tool, bytesMax: attempt.toolOutputBytesMax });

/** A result that was recorded, and how the SDK gets it. */
export type RecordedResult = { output: Json; recall: (step: number | null) => unknown };

type Tool = { name: string; customDataExtractor?: unknown };

/** As `recordResult`; a large result is worked on in pieces. */
export async function recordToolResult(scope: RunScope, tool: Tool, value: unknown): Promise<RecordedResult> {
  if (!isHeavy(value)) {
    const output = recordResult(scope, tool.name, value);
    return { output, recall: () => recallResult(scope, output) };
  }
  const limit = { tool: tool.name, bytesMax: scope.attempt.toolOutputBytesMax };
  const large = await inSlices(recordLarge(value, limit));
  const { output } = large;
  if (isRefused(output)) return { output, recall: () => recallResult(scope, output) };
  return { output, recall: (step) => inSlices(handOver(scope, tool, step, large)) };
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

/**
 * As `recallResult`, of the step with this number; a large result is read in pieces.
 *
 * @throws {ServiceError} `tool_output_too_large`
 */
export async function recallToolResult(scope: RunScope, tool: Tool, step: number, output: Json): Promise<unknown> {
  if (!isLargeOutput(output) || isRefused(output)) return recallResult(scope, output);
  return inSlices(handOver(scope, tool, step, await inSlices(recallLarge(output))));
}

/** Prepares what the SDK, and the records of further model calls, make of a large result. */
function* handOver(
  { attempt }: RunScope,
  { customDataExtractor }: Tool,
  step: number | null,
  large: LargeOutput,
): Slices<unknown> {
  const { value, text, output } = large;
  if (step !== null) yield* attempt.journal.strings.addLarge(step, large);
  yield;
  if (typeof value !== 'object' || value === null) return value;
  // The SDK makes the clone for the extractor alone, and whether the tool has one or not.
  const clone = customDataExtractor ? (yield* recallLarge(output)).value : value;
  knowResult(value, { text, clone: clone as object });
  return value;
}
