import { type ModelResponse, Usage as SdkUsage, type StreamEvent } from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import { type Json, JsonText, type Step, type Usage } from '../../storage/port/index.ts';
import { toCount } from './token-count.ts';

/** An item of a model's output; `callId` if it calls a tool. */
export type OutputItem = { type?: string; content?: unknown; callId?: string };

/**
 * The answer to a model call. `end` if the provider did not say how it ended: then it is whole since it is complete JSON.
 */
export type ModelAnswer = {
  output: OutputItem[];
  responseId: string | null;
  usage: SdkUsage;
  end?: 'unstated' | undefined;
};

/** The SDK's last event of a streamed answer. */
export type ResponseDone = Extract<StreamEvent, { type: 'response_done' }>;

type TextPart = { type?: string; text?: string };

/** What of an answer is recorded: all that the SDK needs to go on with it. */
type RecordedAnswer = { output: OutputItem[]; response_id: string | null; usage: object; end?: 'unstated' };

const sumOf = (details: Record<string, number>[] | undefined, key: string): number =>
  toCount((details ?? []).reduce((sum, entry) => sum + toCount(entry[key]), 0));

/** The usage of one model call, converted from the SDK's form. All counts are whole numbers that the store takes. */
export function toUsage(usage: SdkUsage): Usage {
  return {
    requests: 1,
    inputTokens: toCount(usage.inputTokens),
    cachedInputTokens: sumOf(usage.inputTokensDetails, 'cached_tokens'),
    outputTokens: toCount(usage.outputTokens),
    reasoningTokens: sumOf(usage.outputTokensDetails, 'reasoning_tokens'),
    totalTokens: toCount(usage.totalTokens),
  };
}

/** The text of an answer, for calls that were not streamed. */
export function textOf(output: readonly OutputItem[]): string {
  const parts = output.flatMap((item) => (item.type === 'message' ? (item.content as TextPart[]) : []));
  return parts.map((part) => (part.type === 'output_text' ? (part.text ?? '') : '')).join('');
}

/** Tools that one answer of a model may call: all of them are executed at the same time. */
const toolCallsMax = 128;

/** @throws {ServiceError} `provider_error` if an answer calls too many tools */
export function assertToolCallsBounded(output: readonly OutputItem[]): void {
  const calls = output.filter(({ callId }) => callId !== undefined).length;
  if (calls <= toolCallsMax) return;
  const reason = `The model called ${calls} tools in one answer; ${toolCallsMax} are the most.`;
  throw new ServiceError('provider_error', { reason });
}

/** The output that a step records for an answer. */
export const toRecordedOutput = ({ output, responseId, usage, end }: ModelAnswer): Json =>
  new JsonText({
    output,
    response_id: responseId,
    usage,
    ...(end === undefined ? {} : { end }),
  } satisfies RecordedAnswer);

/** The answer that a step recorded. */
export function recordedAnswerOf({ output }: Step): ModelAnswer {
  const answer = (output instanceof JsonText ? output.toJSON() : output) as RecordedAnswer;
  return { output: answer.output, responseId: answer.response_id, usage: new SdkUsage(answer.usage) };
}

/** An answer as the SDK receives it from a model that is not streamed. */
export const toModelResponse = ({ output, responseId, usage }: ModelAnswer): ModelResponse => ({
  output: output as ModelResponse['output'],
  usage,
  ...(responseId === null ? {} : { responseId }),
});

/** An answer as the SDK receives it at the end of a stream. */
export const toResponseDone = ({ output, responseId, usage }: ModelAnswer): ResponseDone => ({
  type: 'response_done',
  response: {
    id: responseId ?? '',
    output: output as ResponseDone['response']['output'],
    usage: { ...usage } as never,
  },
});
