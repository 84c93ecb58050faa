import type { ResponseCreateParams } from 'openai/resources/responses/responses';
import { invalidRequest } from './api-problem.ts';
import type { JsonSchema, ModelCall, Turn } from './model-call.ts';

/** A request body whose content has not been checked. */
export type UncheckedBody = Record<string, unknown>;

type Item = Record<string, unknown>;

/** The text of a content that is a string or a list of parts; parts without text count as empty. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: Item) => String(part.text ?? part.refusal ?? '')).join('');
}

/** A field that must be a non-empty string. Throws the API's 400 otherwise. */
export function requiredString(body: UncheckedBody, field: string): string {
  const value = body[field];
  if (typeof value === 'string' && value !== '') return value;
  throw invalidRequest(`Missing required parameter: '${field}'.`, field, 'missing_required_parameter');
}

function toTurn(item: Item): Turn | 'instructions' | undefined {
  switch (item.type ?? 'message') {
    case 'message':
      if (item.role === 'user') return { type: 'user', text: textOf(item.content) };
      if (item.role === 'assistant') return { type: 'assistant', text: textOf(item.content) };
      return 'instructions';
    case 'function_call':
      return {
        type: 'toolCall',
        callId: String(item.call_id),
        name: String(item.name),
        arguments: String(item.arguments),
      };
    case 'function_call_output':
      return { type: 'toolOutput', callId: String(item.call_id), text: textOf(item.output) };
    default:
      return undefined; // Reasoning and the items of hosted tools: accepted, and of no weight here.
  }
}

/** Throws the 400 of the real API for a tool result without its call, and for a call without its result. */
function assertPaired(conversation: Turn[]): void {
  const open = new Set<string>();
  const called = new Set<string>();
  for (const turn of conversation) {
    if (turn.type === 'toolCall') {
      open.add(turn.callId);
      called.add(turn.callId);
    } else if (turn.type === 'toolOutput') {
      if (!called.has(turn.callId)) {
        throw invalidRequest(`No tool call found for function call output with call_id ${turn.callId}.`, 'input');
      }
      open.delete(turn.callId);
    }
  }
  for (const callId of open) throw invalidRequest(`No tool output found for function call ${callId}.`, 'input');
}

function assertDistinctIds(items: Item[]): void {
  const ids = items.map((item) => item.id).filter((id) => typeof id === 'string');
  const duplicate = ids.find((id, index) => ids.indexOf(id) !== index);
  if (duplicate === undefined) return;
  throw invalidRequest(
    `Duplicate item found with id ${duplicate}. Remove duplicate items from your input and try again.`,
    'input',
  );
}

function itemsOf(input: unknown): Item[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  if (Array.isArray(input)) return input;
  if (input === undefined) {
    const message = "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided.";
    throw invalidRequest(message, 'input', 'missing_required_parameter');
  }
  throw invalidRequest("Invalid type for 'input': expected a string or an array.", 'input', 'invalid_type');
}

/** The model that every stored prompt names. */
const modelOfPrompts = 'gpt-prompt';

/**
 * Reads the body of `POST /v1/responses`. Throws the API's 400 when it is wrong.
 *
 * @param earlierOf the conversation up to and including the response of that id, for `previous_response_id`
 */
export function parseResponsesBody(body: UncheckedBody, earlierOf: (id: string) => Turn[] | undefined): ModelCall {
  const isNamedByPrompt = body.model === undefined && body.prompt !== undefined;
  const model = isNamedByPrompt ? modelOfPrompts : requiredString(body, 'model');
  const previousId = body.previous_response_id;
  const earlier = typeof previousId === 'string' ? earlierOf(previousId) : [];
  if (earlier === undefined) {
    const message = `Previous response with id '${previousId}' not found.`;
    throw invalidRequest(message, 'previous_response_id', 'previous_response_not_found');
  }
  const items = typeof previousId === 'string' && body.input === undefined ? [] : itemsOf(body.input);
  assertDistinctIds(items);
  const turns = items.map((item) => ({ item, turn: toTurn(item) }));
  const conversation = [...earlier, ...turns.flatMap(({ turn }) => (typeof turn === 'object' ? [turn] : []))];
  assertPaired(conversation);
  const messages = turns.filter(({ turn }) => turn === 'instructions').map(({ item }) => textOf(item.content));
  return {
    api: 'responses',
    model,
    streamed: body.stream === true,
    instructions: [textOf(body.instructions), ...messages].filter(Boolean).join('\n'),
    conversation,
    outputSchema: schemaOf(body.text as ResponseCreateParams['text']),
  };
}

function schemaOf(text: ResponseCreateParams['text']): JsonSchema | undefined {
  const format = text?.format;
  return format?.type === 'json_schema' ? (format.schema as JsonSchema) : undefined;
}
