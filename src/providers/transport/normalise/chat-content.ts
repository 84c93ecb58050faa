import { isRecord } from '../../../platform/is-record.ts';
import { parsedOf, textOf } from './json-text.ts';

type Fields = Record<string, unknown>;

/** How deep parts may stand in parts. */
const depthMax = 4;

/** The text of a thought, which may be a text, a part, or a list of either. */
function thoughtOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value;
  if (depth === depthMax) return '';
  if (Array.isArray(value)) return value.map((each) => thoughtOf(each, depth + 1)).join('');
  if (!isRecord(value)) return '';
  return thoughtOf(value.thinking ?? value.reasoning ?? value.text ?? value.content ?? value.summary, depth + 1);
}

/** What the parts of a content say, by its kind. */
type Parts = { text: string; thought: string; refusal: string; calls: Fields[] };

/** Kinds of parts that are calls: Anthropic's, and those of gateways. */
const callTypes = new Set(['tool_use', 'tool_call', 'function_call']);

/** Whether a part of a content is a call of a tool. */
export const isCallPart = (part: Fields): boolean =>
  typeof part.type === 'string' && callTypes.has(part.type) && (part.name !== undefined || part.function !== undefined);

const isThought = ({ type, thought }: Fields): boolean =>
  thought === true || (typeof type === 'string' && /think|reason/.test(type));

function addPart(part: unknown, parts: Parts, depth = 0): void {
  if (typeof part === 'string') parts.text += part;
  else if (Array.isArray(part) && depth < depthMax) for (const each of part) addPart(each, parts, depth + 1);
  if (!isRecord(part)) return;
  if (isCallPart(part)) parts.calls.push({ ...part, type: 'function' });
  else if (isThought(part)) parts.thought += thoughtOf(part);
  else if (typeof part.text === 'string') parts.text += part.text;
  else if (isRecord(part.text) && typeof part.text.value === 'string') parts.text += part.text.value;
  else if (typeof part.refusal === 'string') parts.refusal += part.refusal;
}

/** Content that is neither a text nor nothing, as a text; the other things that are in it go to fields of their own. */
function mendContent(said: Fields): void {
  const { content } = said;
  const isPart = isRecord(content) && typeof content.type === 'string';
  if (!Array.isArray(content) && !isPart) {
    said.content = isRecord(content) ? textOf(content) : typeof content === 'boolean' ? null : String(content);
    return;
  }
  const parts: Parts = { text: '', thought: '', refusal: '', calls: [] };
  addPart(content, parts);
  said.content = parts.text === '' && parts.refusal !== '' ? null : parts.text;
  if (parts.thought !== '' && !said.reasoning) said.reasoning = parts.thought;
  if (parts.refusal !== '' && !said.refusal) said.refusal = parts.refusal;
  if (parts.calls.length > 0 && !hasCalls(said.tool_calls)) said.tool_calls = parts.calls;
}

/** Reasoning has several names; `reasoning` is that of the SDK. */
function mendReasoning(said: Fields): void {
  const given = [said.reasoning, said.reasoning_content, said.thinking].find((value) => thoughtOf(value) !== '');
  if (given !== undefined) said.reasoning = thoughtOf(given);
  else if (said.reasoning !== undefined) delete said.reasoning;
}

const isTextOrNone = (value: unknown): boolean => typeof value === 'string' || value === undefined || value === null;

const hasCalls = (calls: unknown): boolean => (Array.isArray(calls) ? calls.length > 0 : calls != null);

/** The calls of what is no list: a JSON text of them, a call, or calls by their index. */
function callsOf(calls: unknown): unknown[] | null {
  // A text that is no JSON becomes a call without a name, so that it is not lost.
  if (typeof calls === 'string') return calls.trim() === '' ? null : (toList(parsedOf(calls)) ?? [calls]);
  return toList(calls);
}

function toList(calls: unknown): unknown[] | null {
  if (Array.isArray(calls)) return calls;
  if (!isRecord(calls)) return null;
  return 'function' in calls || 'name' in calls ? [calls] : Object.values(calls);
}

/** Removes audio that is none: the SDK would take it for a mistake of the application. */
function mendAudio(said: Fields): void {
  const { audio } = said;
  if (!isRecord(audio)) {
    delete said.audio;
    return;
  }
  for (const name of ['data', 'transcript']) if (typeof audio[name] !== 'string') delete audio[name];
  if (Object.keys(audio).length === 0) delete said.audio;
}

/** Mends the text and the reasoning of a message, or of a part of one, in place. */
export function mendSaid(said: Fields): void {
  if (!isTextOrNone(said.content)) mendContent(said);
  if (said.reasoning_content != null || said.thinking != null || !isTextOrNone(said.reasoning)) mendReasoning(said);
  if (said.audio != null) mendAudio(said);
  if (!isTextOrNone(said.refusal)) delete said.refusal;
  if (said.content === '' && said.refusal) said.content = null; // the SDK would take the text for the answer
  if (said.function_call && !hasCalls(said.tool_calls)) said.tool_calls = [{ index: 0, function: said.function_call }];
  if (said.tool_calls != null && !Array.isArray(said.tool_calls)) said.tool_calls = callsOf(said.tool_calls);
}
