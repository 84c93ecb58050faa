import type { ModelRequest, ModelResponse } from '@openai/agents';
import { ProviderFault } from './provider-fault.ts';

type Output = ModelResponse['output'];
type OutputItem = Output[number];
type Part = { type: string; text?: unknown; refusal?: unknown; providerData?: { transcript?: unknown } };
type Item = { type?: string; role?: string; name?: string; content?: Part[]; execution?: unknown; output?: unknown } & {
  providerData?: { type?: unknown; execution?: unknown };
};
type Tool = { type: string; providerData?: Item['providerData']; environment?: { type?: string } };

/** The part of a request that decides what an answer without content means. */
export type ContentAskedFor = Pick<ModelRequest, 'input' | 'tools' | 'outputType'>;

const emptyAnswer = () => new ProviderFault('empty_answer', 'The answer of the model has neither content nor calls.');

/** Calls that the SDK answers itself, before it asks the model again. */
const callTypes = new Set(['function_call', 'computer_call', 'apply_patch_call']);
/** The outputs of those calls. */
const resultTypes = new Set([
  'function_call_result',
  'computer_call_result',
  'shell_call_output',
  'apply_patch_call_output',
]);
/** What else is no work of the provider: the words of a conversation, thinking about them, and what the SDK does not know. */
const spokenTypes = new Set(['message', 'reasoning', 'unknown']);

const toolsOf = ({ tools }: ContentAskedFor): readonly Tool[] => tools as readonly Tool[];

/** Whether the provider executes the shell, and not the SDK. */
const hasHostedShell = (request: ContentAskedFor): boolean =>
  toolsOf(request).some(({ type, environment }) => type === 'shell' && (environment?.type ?? 'local') !== 'local');

/** Whether the SDK searches for tools, and not the provider. */
function isClientSearch({ execution, providerData }: Item, request: ContentAskedFor): boolean {
  const by = execution ?? providerData?.execution;
  if (by !== undefined) return by === 'client';
  return toolsOf(request).some(({ providerData: tool }) => tool?.type === 'tool_search' && tool.execution === 'client');
}

/** Whether an item is a call that waits for its output, or for an approval. */
function isCall(item: Item, request: ContentAskedFor): boolean {
  const { type = '', name, providerData } = item;
  if (callTypes.has(type)) return true;
  if (type === 'shell_call') return !hasHostedShell(request);
  if (type === 'tool_search_call') return isClientSearch(item, request);
  return (
    type === 'hosted_tool_call' && (name === 'mcp_approval_request' || providerData?.type === 'mcp_approval_request')
  );
}

const isMessage = ({ type, role }: Item): boolean => type === 'message' && role === 'assistant';
const isRefusal = ({ type, refusal }: Part): boolean => type === 'refusal' && refusal !== '';
const isText = ({ type, text }: Part): boolean => type === 'output_text' && text !== '';
const isAudio = ({ type }: Part): boolean => type === 'audio';
const partsOf = ({ content }: Item): Part[] => (Array.isArray(content) ? content : []);
const hasTextPart = (item: Item): boolean =>
  isMessage(item) && partsOf(item).some(({ type }) => type === 'output_text');
const isSame = (items: readonly Item[], others: readonly Item[]): boolean =>
  items.length === others.length && items.every((item, index) => item === others[index]);
const speaks = (item: Item): boolean => partsOf(item).some((part) => isText(part) || isRefusal(part) || isAudio(part));

const messageOf = (text: string): OutputItem => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});

/**
 * The text of a message that has audio alone: its transcript. Without a text the SDK would not take it for an answer, and
 * ask again.
 */
function withTranscript(item: Item): Item {
  const parts = partsOf(item);
  if (parts.some((part) => part.type === 'output_text' || isRefusal(part))) return item;
  const transcript = parts.find(isAudio)?.providerData?.transcript;
  return {
    ...item,
    content: [...parts, { type: 'output_text', text: typeof transcript === 'string' ? transcript : '' }],
  };
}

/** An empty text beside a refusal would hide it from the SDK. */
function withoutEmptyText(item: Item): Item {
  const parts = partsOf(item);
  const isHiding = parts.some(isRefusal) && !parts.some(isText) && parts.some(({ type }) => type === 'output_text');
  return isHiding ? { ...item, content: parts.filter(isRefusal) } : item;
}

/** The output without messages that say nothing: the SDK reads the last message, and would ask again for its text. */
function spoken(output: readonly Item[]): Item[] {
  const kept = output.filter((item) => !isMessage(item) || speaks(item));
  return kept.map((item) => (isMessage(item) ? withTranscript(withoutEmptyText(item)) : item));
}

/** Whether the SDK has a text or a refusal in the last message to end the turn with. */
function endsTurn(output: readonly Item[], { outputType }: ContentAskedFor): boolean {
  const last = output.findLast(isMessage);
  return last !== undefined && (outputType === 'text' || partsOf(last).some((part) => isText(part) || isRefusal(part)));
}

const isWork = ({ type = '' }: Item): boolean => !spokenTypes.has(type);
const isImage = ({ type, name, output }: Item): boolean =>
  type === 'hosted_tool_call' && name === 'image_generation_call' && Boolean(output);

/** Whether the last item of a request has the output of a tool that the SDK executed. */
function followsTool({ input }: ContentAskedFor): boolean {
  const last = typeof input === 'string' ? undefined : (input.at(-1) as Item | undefined);
  return resultTypes.has(last?.type ?? '');
}

/**
 * Whether the answer before was one of work alone, so that the SDK has asked again with its items, which are then the last
 * ones of the request; or all that is new, where the provider keeps the conversation.
 */
function continuesWork(request: ContentAskedFor): boolean {
  const { input } = request;
  if (typeof input === 'string') return false;
  const last = input.at(-1) as Item | undefined;
  if (last === undefined) return true;
  if (last.type === 'shell_call_output') return hasHostedShell(request);
  if (last.type === 'tool_search_output') return !isClientSearch(last, request);
  const isSaid = last.type === undefined || last.type === 'message' || last.name === 'mcp_approval_response';
  return !isSaid && !resultTypes.has(last.type as string);
}

/** Whether the provider has executed a tool for an answer: a second request would execute it again. */
export const hasHostedCall = (output: readonly object[]): boolean =>
  (output as readonly Item[]).some(({ type, name = '' }) => type === 'hosted_tool_call' && name.endsWith('_call'));

/**
 * Makes sure that an answer ends the turn or brings it on, since for any other the SDK sends the request again, until the
 * turns of the run are used up. Returns the output as it is, or with what the SDK needs to see that it ends the turn:
 *
 * - a call that waits for its output, a text or a refusal: as it is, without messages that are empty beside it;
 * - audio alone: with its transcript as text; an image alone: with an empty text;
 * - an empty text right after the output of a tool: an empty answer, as the SDK takes it where it is not streamed;
 * - calls of hosted tools and nothing else: once as it is, since the SDK then asks with their results.
 *
 * @param hasEmptyText whether the provider has sent a text that is empty; the SDK shows none of it in a stream
 * @throws {ProviderFault} `empty_answer` for any other
 */
export function settleOutput(output: Output, request: ContentAskedFor, hasEmptyText: boolean): Output {
  const items = output as unknown as Item[];
  if (items.some((item) => isCall(item, request))) return output;
  const said = spoken(items);
  if (endsTurn(said, request)) return isSame(said, items) ? output : (said as unknown as Output);
  const works = items.some(isWork);
  const isEmptyText = hasEmptyText || items.some(hasTextPart);
  const isAnswer = items.some(isImage) || (isEmptyText && (works || followsTool(request)));
  if (isAnswer && request.outputType === 'text') {
    const last = items.findLast(isMessage);
    return last && hasTextPart(last) ? output : [...(said as unknown as Output), messageOf('')];
  }
  if (works && !continuesWork(request)) return output;
  throw emptyAnswer();
}
