import { isRecord } from '../../../platform/is-record.ts';
import type { ModelApi } from '../connection.ts';

type Fields = Record<string, unknown>;

const isMarked = (message: unknown): boolean => isRecord(message) && message.reasoning === null;

/** Removes what the SDK has copied to each tool call from its item: the fields belong to the message. */
function withoutReasoning(call: unknown): unknown {
  if (!isRecord(call)) return call;
  const { reasoning: _, reasoning_content: __, ...rest } = call;
  return rest;
}

function mendMessage({ reasoning: _, ...message }: Fields): Fields {
  if (!Array.isArray(message.tool_calls)) return message;
  return { ...message, tool_calls: message.tool_calls.map(withoutReasoning) };
}

/** The fields of items that only Chat Completions has: a conversation can go on with another API. */
const chatFields = ['reasoning', 'reasoning_content', 'extra_content'];
const hasChatFields = (item: unknown): boolean => isRecord(item) && chatFields.some((name) => name in item);
const withoutChatFields = (item: Fields): Fields =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !chatFields.includes(name)));

function normaliseInput<Body extends object>(body: Body): Body {
  const { input } = body as { input?: unknown };
  if (!Array.isArray(input) || !input.some(hasChatFields)) return body;
  return { ...body, input: input.map((item) => (hasChatFields(item) ? withoutChatFields(item as Fields) : item)) };
}

/**
 * A request as its server expects it: without the SDK's `reasoning` in the messages of a server that has another field for
 * it, as `addKeptFields` has marked them, and without any such field for Responses. Others are returned as they are.
 */
export function normaliseRequest<Body extends object>(api: ModelApi, body: Body): Body {
  if (api === 'responses') return normaliseInput(body);
  const { messages } = body as { messages?: unknown };
  if (!Array.isArray(messages) || !messages.some(isMarked)) return body;
  return {
    ...body,
    messages: messages.map((message) => (isMarked(message) ? mendMessage(message as Fields) : message)),
  };
}
