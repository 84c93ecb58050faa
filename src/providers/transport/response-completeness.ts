/**
 * Decides whether an answer is complete. Both clients check successful responses in this way: an HTML page of a gateway,
 * an answer without content and a stream that ends early are faults, and never an answer.
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

/** Lazy: the headers are created only for an error. */
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

/** Whether a token limit truncated the arguments of a tool call; empty arguments are valid. */
const isTruncated = (finishReason: string | null | undefined, toolArguments: readonly string[]) =>
  finishReason === 'length' && toolArguments.some((text) => text !== '' && !isJson(text));

/**
 * Checks the content type of a stream. Anything but an HTML page is accepted: the types of servers vary.
 *
 * @throws {MalformedAnswerError} for an HTML page, as gateways send it
 */
export function checkStreamType(contentType: string | null | undefined, headers: HeadersOf): void {
  if (contentType?.startsWith('text/html')) throw new MalformedAnswerError('it is a page', headers());
}

/**
 * Checks an answer that is not streamed.
 *
 * @throws {MalformedAnswerError} {@link TruncatedAnswerError} {@link APIError} if it is not a complete answer
 */
export function checkAnswer(api: ModelApi, body: unknown, headers: HeadersOf): void {
  if (!isObject(body)) throw new MalformedAnswerError('it is not a JSON object', headers());
  const { choices, output, error } = body as Answer;
  if (api === 'responses') {
    if (Array.isArray(output)) return; // the SDK handles a failure in a response
    if (isObject(error)) throw answerFailed(error, headers());
    throw new MalformedAnswerError('it has no output', headers());
  }
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isObject(choice?.message)) {
    if (isObject(error)) throw answerFailed(error, headers());
    throw new MalformedAnswerError('it has no choice with a message', headers());
  }
  const toolArguments = (choice.message.tool_calls ?? []).map((call) => call.function?.arguments ?? '');
  if (isTruncated(choice.finish_reason, toolArguments)) throw new TruncatedAnswerError(headers());
}

/** Monitors the events of a streamed answer. */
export type CompletenessMonitor = {
  observe(event: unknown): void;
  /** Whether the terminal event has arrived. */
  isTerminal(): boolean;
  /**
   * Called at the end of the stream.
   *
   * @throws {TruncatedAnswerError} if the answer is not complete
   */
  assertComplete(headers: HeadersOf): void;
};

const terminalEvents = new Set(['response.completed', 'response.failed', 'response.incomplete', 'response.error']);

function monitorResponses(): CompletenessMonitor {
  let hasTerminated = false;
  return {
    observe(event) {
      if (terminalEvents.has((event as StreamedEvent | null)?.type ?? '')) hasTerminated = true;
    },
    isTerminal: () => hasTerminated,
    assertComplete(headers) {
      if (!hasTerminated) throw new TruncatedAnswerError(headers());
    },
  };
}

/** The SDK reads only the first choice. Usage and `[DONE]` follow its end. */
function monitorChat(): CompletenessMonitor {
  let finishReason: string | null = null;
  const toolArguments = new Map<number, string>();
  return {
    observe(event) {
      for (const { index = 0, finish_reason, delta } of (event as StreamedEvent | null)?.choices ?? []) {
        if (index !== 0) continue;
        finishReason = finish_reason || finishReason;
        for (const { index: at = 0, function: part } of delta?.tool_calls ?? []) {
          toolArguments.set(at, (toolArguments.get(at) ?? '') + (part?.arguments ?? ''));
        }
      }
    },
    isTerminal: () => false,
    assertComplete(headers) {
      if (finishReason === null || isTruncated(finishReason, [...toolArguments.values()]))
        throw new TruncatedAnswerError(headers());
    },
  };
}

/** Creates the monitor of one stream. */
export const monitorCompleteness = (api: ModelApi): CompletenessMonitor =>
  api === 'responses' ? monitorResponses() : monitorChat();
