import type { Json } from '../../storage/port/index.ts';
import { recalledOutput, recordOutput } from '../tool-outputs/tool-output.ts';
import type { RunScope } from './run-scope.ts';

/** What a tool returned, as its step records it; see `recordOutput`. */
export const recordResult = ({ attempt }: RunScope, tool: string, value: unknown): Json =>
  recordOutput(value, { tool, bytesMax: attempt.toolOutputBytesMax });

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
