import type {
  Response,
  ResponseFunctionToolCall,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses';
import { type Answer, type AnswerToolCall, createdAtSeconds, type MessagePart } from './answer.ts';
import type { Frame, Rendering } from './frame.ts';
import { itemSteps } from './hosted-items.ts';
import type { UncheckedBody } from './responses-input.ts';
import type { Usage } from './usage.ts';

/** A response as it goes over the wire; `output_text` is added by the client. */
type WireResponse = Omit<Response, 'output_text'>;

type ContentPart = ResponseOutputMessage['content'][number];

/** An event without the number that it gets when it is sent; written out, as `Omit` does not distribute. */
type Unnumbered<Event> = Event extends { sequence_number: number } ? Omit<Event, 'sequence_number'> : never;
type EventBody = Unnumbered<ResponseStreamEvent>;

function wireUsage(usage: Usage): ResponseUsage {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens, cache_write_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

function contentPart(part: MessagePart, text: string): ContentPart {
  if (part.type === 'refusal') return { type: 'refusal', refusal: text };
  // While the text is streamed its part has no annotations yet: they come with the whole text.
  const annotations = text === part.text ? (part.annotations ?? []) : [];
  return { type: 'output_text', text, annotations: annotations as never, logprobs: [] };
}

function messageItem(answer: Answer, status: ResponseOutputMessage['status']): ResponseOutputMessage {
  const content = status === 'in_progress' ? [] : answer.message.map((part) => contentPart(part, part.text));
  return { id: answer.id('msg_'), type: 'message', role: 'assistant', status, content };
}

function callItem(answer: Answer, toolCall: AnswerToolCall, index: number, done: boolean): ResponseFunctionToolCall {
  return {
    id: answer.id('fc_', index),
    type: 'function_call',
    status: done ? 'completed' : 'in_progress',
    call_id: toolCall.callId,
    name: toolCall.name,
    arguments: done ? toolCall.arguments : '',
  };
}

function outputOf(answer: Answer): ResponseOutputItem[] {
  const message = answer.message.length > 0 ? [messageItem(answer, messageStatus(answer))] : [];
  return [
    ...answer.items,
    ...message,
    ...answer.toolCalls.map((toolCall, index) => callItem(answer, toolCall, index, true)),
  ];
}

const messageStatus = (answer: Answer) => (answer.finish === 'stop' ? 'completed' : 'incomplete');

/** What the API repeats of the request. */
function echoOf(body: UncheckedBody) {
  const given = body as Partial<WireResponse>;
  return {
    instructions: given.instructions ?? null,
    max_output_tokens: given.max_output_tokens ?? null,
    metadata: given.metadata ?? {},
    parallel_tool_calls: given.parallel_tool_calls ?? true,
    previous_response_id: given.previous_response_id ?? null,
    temperature: given.temperature ?? 1,
    text: given.text ?? { format: { type: 'text' as const } },
    tool_choice: given.tool_choice ?? 'auto',
    tools: given.tools ?? [],
    top_p: given.top_p ?? 1,
    truncation: given.truncation ?? ('disabled' as const),
  };
}

function base(answer: Answer, body: UncheckedBody): WireResponse {
  return {
    id: answer.id('resp_'),
    object: 'response',
    created_at: createdAtSeconds,
    status: 'in_progress',
    access_programs: null,
    background: false,
    error: null,
    incomplete_details: null,
    model: answer.call.model,
    output: [],
    ...echoOf(body),
  };
}

function finished(answer: Answer, body: UncheckedBody): WireResponse {
  const usage = answer.usage ? { usage: wireUsage(answer.usage) } : {};
  const common = { ...base(answer, body), output: outputOf(answer), ...usage };
  if (answer.finish === 'stop') return { ...common, status: 'completed', completed_at: createdAtSeconds };
  if (answer.finish === 'error') return { ...common, status: 'cancelled' };
  const reason = answer.finish === 'length' ? 'max_output_tokens' : 'content_filter';
  return { ...common, status: 'incomplete', incomplete_details: { reason } };
}

function failed(answer: Answer, body: UncheckedBody, error: { code: string | number; message: string }): WireResponse {
  // A test may name any code; the type lists those that OpenAI documents.
  return { ...base(answer, body), status: 'failed', error: error as WireResponse['error'] };
}

type Step = { kind: Frame['kind']; event: EventBody };

function* partSteps(answer: Answer, part: MessagePart, contentIndex: number): Generator<Step> {
  const at = { item_id: answer.id('msg_'), output_index: answer.items.length, content_index: contentIndex };
  const isText = part.type === 'text';
  yield { kind: 'open', event: { type: 'response.content_part.added', ...at, part: contentPart(part, '') } };
  for (const delta of part.pieces) {
    const event: EventBody = isText
      ? { type: 'response.output_text.delta', ...at, delta, logprobs: [] }
      : { type: 'response.refusal.delta', ...at, delta };
    yield { kind: 'token', event };
  }
  const done: EventBody = isText
    ? { type: 'response.output_text.done', ...at, text: part.text, logprobs: [] }
    : { type: 'response.refusal.done', ...at, refusal: part.text };
  yield { kind: 'close', event: done };
  yield { kind: 'close', event: { type: 'response.content_part.done', ...at, part: contentPart(part, part.text) } };
}

function* messageSteps(answer: Answer): Generator<Step> {
  if (answer.message.length === 0) return;
  const output_index = answer.items.length;
  const added = messageItem(answer, 'in_progress');
  yield { kind: 'open', event: { type: 'response.output_item.added', output_index, item: added } };
  for (const [index, part] of answer.message.entries()) yield* partSteps(answer, part, index);
  const item = messageItem(answer, messageStatus(answer));
  yield { kind: 'close', event: { type: 'response.output_item.done', output_index, item } };
}

function* callSteps(answer: Answer, toolCall: AnswerToolCall, index: number): Generator<Step> {
  const output_index = answer.items.length + index + (answer.message.length > 0 ? 1 : 0);
  const at = { item_id: answer.id('fc_', index), output_index };
  const added = callItem(answer, toolCall, index, false);
  yield { kind: 'open', event: { type: 'response.output_item.added', output_index, item: added } };
  for (const delta of toolCall.pieces) {
    yield { kind: 'token', event: { type: 'response.function_call_arguments.delta', ...at, delta } };
  }
  const done = { type: 'response.function_call_arguments.done', ...at, arguments: toolCall.arguments } as const;
  yield { kind: 'close', event: done };
  const item = callItem(answer, toolCall, index, true);
  yield { kind: 'close', event: { type: 'response.output_item.done', output_index, item } };
}

function* steps(answer: Answer, body: UncheckedBody): Generator<Step> {
  const response = base(answer, body) as Response;
  yield { kind: 'open', event: { type: 'response.created', response } };
  yield { kind: 'open', event: { type: 'response.in_progress', response } };
  for (const [index, item] of answer.items.entries()) yield* itemSteps(item, index);
  yield* messageSteps(answer);
  for (const [index, toolCall] of answer.toolCalls.entries()) yield* callSteps(answer, toolCall, index);
  const type = /^(stop|error)$/.test(answer.finish) ? 'response.completed' : 'response.incomplete';
  yield { kind: 'end', event: { type, response: finished(answer, body) as Response } };
}

function serialise(event: EventBody, sequenceNumber: number): string {
  const data = { ...event, sequence_number: sequenceNumber };
  return `event: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Shows an answer as the Responses API does; `body` is the request. */
export function renderResponse(answer: Answer, body: UncheckedBody): Rendering {
  return {
    whole: () => finished(answer, body),
    *frames() {
      let sequenceNumber = 0;
      for (const { kind, event } of steps(answer, body)) yield { kind, data: serialise(event, sequenceNumber++) };
    },
    failure: (event, error, framesSent) =>
      event === 'error'
        ? serialise({ type: 'error', ...error, param: null } as EventBody, framesSent)
        : serialise({ type: 'response.failed', response: failed(answer, body, error) as Response }, framesSent),
    wholeFailure: (error) => failed(answer, body, error),
  };
}
