import type { StreamEvent } from '@openai/agents';
import { ProviderFault, ReportedFailure } from './provider-fault.ts';

type ToolCall = { function?: { arguments?: unknown } };
type Choice = {
  finish_reason?: string | null;
  message?: { tool_calls?: ToolCall[] | null };
  delta?: { tool_calls?: unknown[] | null };
};
type ChatAnswer = { object?: string; choices?: Choice[] };
type OutputItem = { type?: string; arguments?: unknown };
type ResponseAnswer = {
  object?: string;
  status?: string;
  error?: { code?: unknown } | null;
  incomplete_details?: { reason?: string } | null;
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const codeOf = (error: unknown): string | null =>
  isRecord(error) && typeof error.code === 'string' ? error.code : null;

const truncated = () => new ProviderFault('truncated', "The provider's answer ended before it was whole.");
const outputLimit = () => new ProviderFault('output_limit', "The model's answer reached its token limit.");
const contentFiltered = () => new ProviderFault('content_filtered', 'The provider withheld the answer.');
const brokenToolCall = () => new ProviderFault('broken_tool_call', 'The arguments of a tool call are no JSON object.');

/** @throws {ProviderFault} if the answer ended too early, by the reason that the provider gives for its end */
function assertFinish(reason: string | null | undefined): void {
  if (reason === 'length' || reason === 'max_output_tokens') throw outputLimit();
  if (reason === 'content_filter') throw contentFiltered();
}

/** @throws {ProviderFault} if the arguments are no JSON object; models may leave them empty where there are none */
function assertArguments(text: unknown): void {
  if (typeof text !== 'string' || text.trim() === '') return;
  try {
    if (isRecord(JSON.parse(text))) return;
  } catch {
    // thrown below
  }
  throw brokenToolCall();
}

/** A withheld answer without any content: the SDK turns it into a refusal, which means the same. */
const becomesRefusal = ({ finish_reason, message }: Choice): boolean =>
  finish_reason === 'content_filter' && !(message as { content?: unknown })?.content;

function assertChat({ choices }: ChatAnswer): void {
  const [choice] = choices ?? [];
  if (!choice?.message || becomesRefusal(choice)) return;
  assertFinish(choice.finish_reason);
  for (const call of choice.message.tool_calls ?? []) assertArguments(call.function?.arguments);
}

function assertResponse({ status, error, incomplete_details }: ResponseAnswer): void {
  if (status === 'failed') throw new ReportedFailure(codeOf(error));
  if (status === 'incomplete') {
    assertFinish(incomplete_details?.reason);
    throw truncated();
  }
}

/**
 * Rejects an answer that is incomplete, has failed or cannot be used, although its HTTP status was a success.
 *
 * @throws {ProviderFault}
 * @throws {ReportedFailure}
 */
export function assertAnswer(data: unknown): void {
  if (!isRecord(data)) return; // a stream, which is validated as it arrives, or a value that the client accepts
  if ('choices' in data) assertChat(data as ChatAnswer);
  else if ('status' in data) assertResponse(data as ResponseAnswer);
}

/** @throws {ProviderFault} if the arguments of a tool call in an answer are no JSON object */
export function assertToolCalls(output: readonly object[]): void {
  for (const item of output as readonly OutputItem[])
    if (item.type === 'function_call') assertArguments(item.arguments);
}

type RawEvent = {
  object?: string;
  type?: string;
  choices?: Choice[];
  response?: ResponseAnswer;
  item?: { type?: string };
  error?: unknown;
  code?: unknown;
};

/** Calls of tools that the provider executes while it answers: a second request executes them again. */
const hostedTool =
  /^(?!function_call$|custom_tool_call$|computer_call$|local_shell_call$|shell_call$|apply_patch_call$).+_call$/;

/**
 * Validates the events of a stream. The SDK's Chat Completions model treats a truncated stream as a complete one, and its
 * Responses model does not report why a provider has failed.
 */
export function createStreamValidator() {
  let isChat = false;
  let finishReason: string | null = null;
  let hadEffects = false;
  let hadOutput = false;

  function checkRaw(raw: RawEvent): void {
    if (raw.object === 'chat.completion.chunk') {
      isChat = true;
      for (const { finish_reason } of raw.choices ?? []) if (finish_reason) finishReason = finish_reason;
      return;
    }
    if (raw.type === 'response.output_item.added' && hostedTool.test(raw.item?.type ?? '')) hadEffects = true;
    if (raw.type === 'response.failed') throw new ReportedFailure(codeOf(raw.response?.error));
    if (raw.type === 'error') throw new ReportedFailure(codeOf(raw.error) ?? codeOf(raw));
    if (raw.type === 'response.incomplete') assertFinish(raw.response?.incomplete_details?.reason);
  }

  return {
    /**
     * Checks the next event.
     *
     * @throws {ProviderFault} if the answer is not complete
     * @throws {ReportedFailure} if the provider reports a failure
     */
    check(event: StreamEvent): void {
      if (event.type === 'output_text_delta') hadOutput = true;
      if (event.type === 'model') checkRaw(event.event as RawEvent);
      if (event.type !== 'response_done') return;
      if (isChat && finishReason === null) throw truncated();
      if (finishReason !== 'content_filter' || hadOutput) assertFinish(finishReason);
      assertToolCalls(event.response.output);
    },

    /** @throws {ProviderFault} always: the stream has ended without an answer */
    endedWithoutAnswer: (): never => {
      throw truncated();
    },

    /** Whether the provider has executed a tool. */
    hadEffects: (): boolean => hadEffects,
  };
}
