/**
 * What makes an answer whole. Both clients look at what comes with a status of success in this one way: a page of a
 * gateway, an answer without content and a stream that just ends are faults, and never an answer.
 */
import { answerFailed, MalformedAnswerError, TruncatedAnswerError } from './call-errors.ts';
import type { ModelApi } from './connection.ts';

type ToolCall = { index?: number; function?: { arguments?: string } };
type Choice = {
  index?: number;
  finish_reason?: string | null;
  message?: { tool_calls?: ToolCall[] } | null;
  delta?: { tool_calls?: ToolCall[] } | null;
};
type Answer = { choices?: Choice[]; output?: unknown; error?: object | null };
type StreamedEvent = { type?: string; choices?: Choice[] };

/** Headers are made only where something is wrong. */
type HeadersOf = () => Headers;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a limit of tokens cut the arguments of a tool; a call without arguments may have none at all. */
const isCut = (finishReason: string | null | undefined, toolArguments: readonly string[]) =>
  finishReason === 'length' && toolArguments.some((text) => text !== '' && !isJson(text));

/**
 * Looks at the type of what is to be read as a stream. Anything but a page is read: servers name their types as they like.
 *
 * @throws {MalformedAnswerError} when it is a page, as gateways send it
 */
export function checkStreamType(contentType: string | null | undefined, headers: HeadersOf): void {
  if (contentType?.startsWith('text/html')) throw new MalformedAnswerError('it is a page', headers());
}

/**
 * Looks at an answer that came in one piece.
 *
 * @throws {MalformedAnswerError} {@link TruncatedAnswerError} {@link APIError} when it is none
 */
export function checkAnswer(api: ModelApi, body: unknown, headers: HeadersOf): void {
  if (!isObject(body)) throw new MalformedAnswerError('it is not a JSON object', headers());
  const { choices, output, error } = body as Answer;
  if (api === 'responses') {
    if (Array.isArray(output)) return; // a failure that it tells of is the SDK's to read
    if (isObject(error)) throw answerFailed(error, headers());
    throw new MalformedAnswerError('it has no output', headers());
  }
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isObject(choice?.message)) {
    if (isObject(error)) throw answerFailed(error, headers());
    throw new MalformedAnswerError('it has no choice with a message', headers());
  }
  const toolArguments = (choice.message.tool_calls ?? []).map((call) => call.function?.arguments ?? '');
  if (isCut(choice.finish_reason, toolArguments)) throw new TruncatedAnswerError(headers());
}

/** Watches the events of a streamed answer go by. */
export type EndWatch = {
  see(event: unknown): void;
  /** Whether nothing more can come. */
  isOver(): boolean;
  /**
   * The stream has ended.
   *
   * @throws {TruncatedAnswerError} when the answer has not
   */
  check(headers: HeadersOf): void;
};

const terminalEvents = new Set(['response.completed', 'response.failed', 'response.incomplete', 'response.error']);

function watchResponses(): EndWatch {
  let over = false;
  return {
    see(event) {
      if (terminalEvents.has((event as StreamedEvent | null)?.type ?? '')) over = true;
    },
    isOver: () => over,
    check(headers) {
      if (!over) throw new TruncatedAnswerError(headers());
    },
  };
}

/** The first choice is the only one that the SDK reads; usage and `[DONE]` come after its end. */
function watchChat(): EndWatch {
  let finishReason: string | null = null;
  const toolArguments = new Map<number, string>();
  return {
    see(event) {
      for (const { index = 0, finish_reason, delta } of (event as StreamedEvent | null)?.choices ?? []) {
        if (index !== 0) continue;
        finishReason = finish_reason || finishReason;
        for (const { index: at = 0, function: part } of delta?.tool_calls ?? []) {
          toolArguments.set(at, (toolArguments.get(at) ?? '') + (part?.arguments ?? ''));
        }
      }
    },
    isOver: () => false,
    check(headers) {
      if (finishReason === null || isCut(finishReason, [...toolArguments.values()]))
        throw new TruncatedAnswerError(headers());
    },
  };
}

/** Watches one stream of an API. */
export const watchEnd = (api: ModelApi): EndWatch => (api === 'responses' ? watchResponses() : watchChat());
