import { z } from 'zod';
import type { JsonRecord } from '../../storage/port/index.ts';
import { type ContentPart, contentPart, plainText } from './content-parts.ts';
import { assertNoMistake, type InputMistake, type InputRules, messageMistake, sizeMistake } from './input-rules.ts';
import { inputMessage, listOf, type WireMessage } from './messages.ts';
import { toSdkMessage, toSdkPart } from './to-items.ts';

/** Items that one request may import. */
export const historyItemsMax = 1_000;

const callId = plainText.min(1).max(200);
const ofCall = { id: z.string().max(200).optional(), status: z.string().max(40).optional() };
const toolName = plainText.min(1).max(200);

const functionCall = z
  .strictObject({
    type: z.literal('function_call'),
    call_id: callId.optional(),
    callId: callId.optional().meta({ description: "The SDK's name for it." }),
    name: toolName,
    arguments: plainText,
    ...ofCall,
  })
  .meta({ id: 'FunctionCall' });

const functionCallOutput = (partsMax: number) =>
  z
    .strictObject({
      type: z.literal('function_call_output'),
      call_id: callId,
      output: z.union([plainText, listOf(contentPart, partsMax)]),
      ...ofCall,
    })
    .meta({ id: 'FunctionCallOutput' });

const sdkResult = (partsMax: number) =>
  z
    .strictObject({
      type: z.literal('function_call_result'),
      callId,
      name: toolName,
      output: z.union([
        plainText,
        z.strictObject({ type: z.literal('text'), text: plainText }),
        listOf(contentPart, partsMax),
      ]),
      ...ofCall,
    })
    .meta({ id: 'SdkFunctionCallResult' });

const typeExpected = 'must be message, function_call, function_call_output or function_call_result';

const historyItem = (partsMax: number) =>
  z.discriminatedUnion(
    'type',
    [inputMessage(partsMax), functionCall, functionCallOutput(partsMax), sdkResult(partsMax)],
    { error: typeExpected },
  );
type HistoryItem = z.output<ReturnType<typeof historyItem>>;
type Result = Extract<HistoryItem, { output: unknown }>;

/** The body of the route that imports a history: whole turns, as the Responses API or the SDK writes their items. */
export const importBody = ({ inputPartsMax }: { inputPartsMax: number }) =>
  z
    .strictObject({
      items: listOf(historyItem(inputPartsMax), historyItemsMax).meta({
        description: 'Whole turns: each begins with a message of the user and ends with one of the assistant.',
      }),
    })
    .meta({ id: 'ImportItems' });

/** The body of the route that imports a history. */
export type ImportItems = z.output<ReturnType<typeof importBody>>;

const isMessage = (item: HistoryItem): item is WireMessage => 'role' in item;
const idOf = (item: Exclude<HistoryItem, WireMessage>): string | undefined =>
  'call_id' in item && item.call_id !== undefined ? item.call_id : (item as { callId?: string }).callId;

/** Follows the turns of a history. `names` are those of the calls so far, `open` the ids of calls without a result. */
type Turns = { names: Map<string, string>; open: Set<string>; before: string | null };

/** The mistake of an item where it stands; null if there is none. */
function placeMistake(item: HistoryItem, turns: Turns): string | null {
  if (isMessage(item)) {
    if (item.role === 'assistant')
      return turns.before === null ? 'must not be first: a turn begins with the user' : null;
    if (turns.open.size > 0) return `must not stand before the result of the call ${[...turns.open][0]}`;
    const isWhole = turns.before === null || turns.before !== 'call';
    return isWhole ? null : 'must not begin a turn before the assistant has answered in the one before';
  }
  const id = idOf(item);
  if (id === undefined) return 'must have exactly one of call_id, callId';
  if (turns.before === null) return 'must not be first: a turn begins with the user';
  if (item.type === 'function_call') return turns.names.has(id) ? `must not repeat the call ${id}` : null;
  return turns.open.has(id) ? null : `must follow its call ${id}, and only once`;
}

function advance(turns: Turns, item: HistoryItem): void {
  turns.before = isMessage(item) ? item.role : 'call';
  if (isMessage(item)) return;
  const id = idOf(item) as string;
  if (item.type === 'function_call') turns.names.set(id, item.name);
  if (item.type === 'function_call') turns.open.add(id);
  else turns.open.delete(id);
}

/** The mistake in the order of the items; null if they are whole turns. */
function turnsMistake(items: readonly HistoryItem[], turns: Turns): InputMistake | null {
  for (const [index, item] of items.entries()) {
    const message = placeMistake(item, turns);
    if (message !== null) return { path: `items.${index}`, message };
    advance(turns, item);
  }
  const path = `items.${items.length - 1}`;
  if (turns.open.size > 0) return { path, message: `must be followed by the result of the call ${[...turns.open][0]}` };
  return turns.before === 'assistant' ? null : { path, message: "must be the assistant's answer: turns are whole" };
}

const partsOf = (output: Result['output']): ContentPart[] => (Array.isArray(output) ? output : []);

/** What of an item is checked like a message: the parts of a result count like those of a user. */
const asMessage = (item: HistoryItem): WireMessage | null => {
  if (isMessage(item)) return item;
  return 'output' in item ? { role: 'user', content: partsOf(item.output) } : null;
};

function contentMistake(items: readonly HistoryItem[], rules: InputRules): InputMistake | null {
  for (const [index, item] of items.entries()) {
    const path = `items.${index}`;
    const message = asMessage(item);
    const mistake =
      message && messageMistake(message, path, `${path}.${isMessage(item) ? 'content' : 'output'}`, rules);
    if (mistake !== null) return mistake;
  }
  const messages = items.flatMap((item) => asMessage(item) ?? []);
  // The size of the body limits texts and parts; data is limited as in an input.
  return sizeMistake(messages, 'items', {
    ...rules,
    partsMax: Number.POSITIVE_INFINITY,
    charsMax: Number.POSITIVE_INFINITY,
  });
}

function toSdkOutput(output: Result['output']): JsonRecord[string] {
  if (typeof output === 'string') return { type: 'text', text: output };
  return Array.isArray(output) ? output.map(toSdkPart) : { type: 'text', text: output.text };
}

function toSdkItem(item: HistoryItem, names: Map<string, string>): JsonRecord {
  if (isMessage(item)) return toSdkMessage(item);
  const id = idOf(item) as string;
  if (item.type === 'function_call') {
    return { type: item.type, callId: id, name: item.name, arguments: item.arguments, status: 'completed' };
  }
  const name = names.get(id) ?? '';
  return { type: 'function_call_result', callId: id, name, status: 'completed', output: toSdkOutput(item.output) };
}

/**
 * The items of an imported history as a session keeps them.
 *
 * @throws {ServiceError} `validation_failed` with the place of the first mistake
 */
export function toHistory({ items }: ImportItems, rules: InputRules): JsonRecord[] {
  const turns: Turns = { names: new Map(), open: new Set(), before: null };
  assertNoMistake(turnsMistake(items, turns));
  assertNoMistake(contentMistake(items, rules));
  return items.map((item) => toSdkItem(item, turns.names));
}
