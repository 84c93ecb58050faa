import { invalidRequest } from './api-problem.ts';
import type { JsonSchema, ModelCall, Turn } from './model-call.ts';
import { requiredString, textOf, type UncheckedBody } from './responses-input.ts';

type Message = {
  role?: string;
  content?: unknown;
  refusal?: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
};

function assistantTurns(message: Message): Turn[] {
  const text = textOf(message.content) || textOf(message.refusal);
  const calls = (message.tool_calls ?? []).map(
    ({ id, function: called }): Turn => ({ type: 'toolCall', callId: id, ...called }),
  );
  return text !== '' || calls.length === 0 ? [{ type: 'assistant', text }, ...calls] : calls;
}

function turnsOf(message: Message): Turn[] {
  switch (message.role) {
    case 'user':
      return [{ type: 'user', text: textOf(message.content) }];
    case 'assistant':
      return assistantTurns(message);
    case 'tool':
      return [{ type: 'toolOutput', callId: message.tool_call_id ?? '', text: textOf(message.content) }];
    default:
      return [];
  }
}

/**
 * Throws the 400 of the real API where tool messages do not directly follow the message with their calls, or a call
 * has none.
 */
function assertPaired(messages: Message[]): void {
  let open = new Set<string>();
  const assertAnswered = (index: number) => {
    if (open.size === 0) return;
    const message =
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`;
    throw invalidRequest(message, `messages.[${index}].role`);
  };
  messages.forEach((message, index) => {
    if (message.role !== 'tool') {
      assertAnswered(index);
      open = new Set((message.tool_calls ?? []).map(({ id }) => id));
    } else if (!open.delete(message.tool_call_id ?? '')) {
      const text = "Invalid parameter: messages with role 'tool' must be a response to a preceding message with";
      throw invalidRequest(`${text} 'tool_calls'.`, `messages.[${index}].role`);
    }
  });
  assertAnswered(messages.length);
}

function messagesOf(body: UncheckedBody): Message[] {
  if (body.messages === undefined) {
    throw invalidRequest("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  }
  if (Array.isArray(body.messages) && body.messages.length > 0) return body.messages;
  throw invalidRequest("Invalid 'messages': expected an array with at least one message.", 'messages', 'invalid_type');
}

/** Reads the body of `POST /v1/chat/completions`. Throws the API's 400 when it is wrong. */
export function parseChatBody(body: UncheckedBody): ModelCall {
  const model = requiredString(body, 'model');
  const messages = messagesOf(body);
  assertPaired(messages);
  const instructions = messages.filter(({ role }) => role === 'system' || role === 'developer');
  return {
    api: 'chat_completions',
    model,
    streamed: body.stream === true,
    instructions: instructions.map(({ content }) => textOf(content)).join('\n'),
    conversation: messages.flatMap(turnsOf),
    outputSchema: (body.response_format as { json_schema?: { schema?: JsonSchema } } | undefined)?.json_schema?.schema,
  };
}
