import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessage,
} from 'openai/resources/chat/completions/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import { type Answer, createdAtSeconds } from './answer.ts';
import type { Frame, Rendering } from './frame.ts';
import type { UncheckedBody } from './responses-input.ts';
import type { Usage } from './usage.ts';

type Choice = ChatCompletionChunk['choices'][number];

function wireUsage(usage: Usage): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function finishReason(answer: Answer): ChatCompletion.Choice['finish_reason'] {
  // Other servers have more reasons than the type of OpenAI's client knows.
  if (answer.finish !== 'stop') return answer.finish as ChatCompletion.Choice['finish_reason'];
  return answer.toolCalls.length > 0 ? 'tool_calls' : 'stop';
}

const textOf = (answer: Answer, type: 'text' | 'refusal') =>
  answer.message.find((part) => part.type === type)?.text ?? null;

function messageOf(answer: Answer): ChatCompletionMessage {
  const toolCalls = answer.toolCalls.map(({ callId, name, arguments: text }) => ({
    id: callId,
    type: 'function' as const,
    function: { name, arguments: text },
  }));
  return {
    role: 'assistant',
    content: textOf(answer, 'text'),
    refusal: textOf(answer, 'refusal'),
    annotations: [],
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
}

const common = (answer: Answer) => ({
  id: answer.id('chatcmpl-'),
  created: createdAtSeconds,
  model: answer.call.model,
  service_tier: 'default' as const,
  system_fingerprint: 'fp_fake',
});

function completion(answer: Answer): ChatCompletion {
  const choice = { index: 0, message: messageOf(answer), logprobs: null, finish_reason: finishReason(answer) };
  const usage = answer.usage ? { usage: wireUsage(answer.usage) } : {};
  return { ...common(answer), object: 'chat.completion', choices: [choice], ...usage };
}

type Step = { kind: Frame['kind']; delta: Choice['delta'] };

function* deltas(answer: Answer): Generator<Step> {
  yield { kind: 'open', delta: { role: 'assistant', content: answer.toolCalls.length > 0 ? null : '', refusal: null } };
  for (const part of answer.message) {
    for (const piece of part.pieces) {
      yield { kind: 'token', delta: part.type === 'text' ? { content: piece } : { refusal: piece } };
    }
  }
  for (const [index, { callId, name, pieces }] of answer.toolCalls.entries()) {
    const opening = { index, id: callId, type: 'function' as const, function: { name, arguments: '' } };
    yield { kind: 'open', delta: { tool_calls: [opening] } };
    for (const piece of pieces) {
      yield { kind: 'token', delta: { tool_calls: [{ index, function: { arguments: piece } }] } };
    }
  }
}

const serialise = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

function* frames(answer: Answer, includeUsage: boolean): Generator<Frame> {
  // With include_usage the API puts `usage: null` on every chunk but the last.
  const chunk = (choices: Choice[], usage: CompletionUsage | null = null): ChatCompletionChunk => ({
    ...common(answer),
    object: 'chat.completion.chunk',
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const choice = (delta: Choice['delta'], reason: Choice['finish_reason']): Choice[] => [
    { index: 0, delta, logprobs: null, finish_reason: reason },
  ];
  for (const { kind, delta } of deltas(answer)) yield { kind, data: serialise(chunk(choice(delta, null))) };
  yield { kind: 'end', data: serialise(chunk(choice({}, finishReason(answer)))) };
  if (includeUsage && answer.usage) yield { kind: 'end', data: serialise(chunk([], wireUsage(answer.usage))) };
  yield { kind: 'end', data: 'data: [DONE]\n\n' };
}

/** Shows an answer as the Chat Completions API does; `body` is the request. */
export function renderChatCompletion(answer: Answer, body: UncheckedBody): Rendering {
  const options = body.stream_options as { include_usage?: boolean } | undefined;
  return {
    whole: () => completion(answer),
    frames: () => frames(answer, options?.include_usage === true),
    failure: (_event, { code, message }) => serialise({ error: { message, type: 'server_error', param: null, code } }),
    wholeFailure: () => undefined,
  };
}
