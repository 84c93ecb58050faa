import { type Json, JsonText } from './types.ts';

/**
 * The first key of a recorded tool output that is more than its JSON. Its value is the output as text: for events, and
 * for what a run that did not complete leaves in its session. What else is recorded is up to `runs/tool-outputs`. Postgres
 * reads this text in SQL (`output_text` in `016-tool-outputs.sql`), where it has to be the first key.
 */
export const toolOutputKey = '$tool_output';

/** The longest text of an output that `toolOutputKey` may have, in characters. */
export const toolOutputTextMax = 65_536;

/** A recorded tool output as text. */
export function toOutputText(output: Json): string {
  const value = output instanceof JsonText ? (output.toJSON() as Json) : output;
  if (typeof value === 'string') return value;
  const described = (value as { [toolOutputKey]?: unknown } | null)?.[toolOutputKey];
  return typeof described === 'string' ? described : JSON.stringify(value);
}
