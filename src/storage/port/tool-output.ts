import { closingQuote } from '../../platform/json-string-end.ts';
import { type Json, JsonText } from './types.ts';

/**
 * The first key of a recorded tool output that is more than its JSON. Its value is the output as text: for events, and
 * for what a run that did not complete leaves in its session. What else is recorded is up to `runs/tool-outputs`. Postgres
 * reads this text in SQL (`output_text` in `016-tool-outputs.sql`), where it has to be the first key.
 */
export const toolOutputKey = '$tool_output';

/** The longest text of an output that `toolOutputKey` may have, in characters. */
export const toolOutputTextMax = 65_536;

const wrappedStart = `{${JSON.stringify(toolOutputKey)}:`;

/** Whether the JSON of a recorded output has `toolOutputKey`; a large result is not parsed to tell. */
export const isWrappedText = ({ text }: JsonText): boolean => text.startsWith(wrappedStart);

/** Where the string ends that begins at `start` of a JSON text; `start` if none does. */
const endOfString = (text: string, start: number): number =>
  text[start] === '"' ? closingQuote(text, start) + 1 : start;

/** The string that begins at `start` of a JSON text; null if none does. */
function stringAt(text: string, start: number): string | null {
  const end = endOfString(text, start);
  return end === start ? null : (JSON.parse(text.slice(start, end)) as string);
}

/** What stands behind the text of an output whose JSON has `toolOutputKey`: its other fields, and the end. */
export const restOfWrapped = ({ text }: JsonText): string => text.slice(endOfString(text, wrappedStart.length));

/** A recorded tool output as text. */
export function toOutputText(output: Json): string {
  if (output instanceof JsonText) {
    const described = isWrappedText(output) ? stringAt(output.text, wrappedStart.length) : null;
    if (described !== null) return described;
    return output.text.startsWith('"') ? (output.toJSON() as string) : output.text;
  }
  if (typeof output === 'string') return output;
  const described = (output as { [toolOutputKey]?: unknown } | null)?.[toolOutputKey];
  return typeof described === 'string' ? described : JSON.stringify(output);
}
