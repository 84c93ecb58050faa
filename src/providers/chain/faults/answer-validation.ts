import type { ModelRequest, StreamEvent } from '@openai/agents';
import { ProviderFault, ReportedFailure } from './provider-fault.ts';

type Choice = {
  finish_reason?: string | null;
  message?: object;
};
type ChatAnswer = { object?: string; choices?: Choice[] };
type ToolCall = { type?: string; name?: string; arguments?: unknown };
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

/** Whether this is a tool call whose arguments are no JSON object; models may leave them empty where there are none. */
function isBrokenCall({ type, arguments: text }: ToolCall): boolean {
  if (type !== 'function_call' || typeof text !== 'string' || text.trim() === '') return false;
  try {
    return !isRecord(JSON.parse(text));
  } catch {
    return true;
  }
}

/** A withheld answer without any content: the SDK turns it into a refusal, which means the same. */
const becomesRefusal = ({ finish_reason, message }: Choice): boolean =>
  finish_reason === 'content_filter' && !(message as { content?: unknown })?.content;

function assertChat({ choices }: ChatAnswer): void {
  const [choice] = choices ?? [];
  if (!choice?.message || becomesRefusal(choice)) return;
  assertFinish(choice.finish_reason);
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

/** The part of a request that decides whether the model is told of a broken tool call. */
export type AskedFor = Pick<ModelRequest, 'input' | 'handoffs'>;

/** Whether the model has made a broken tool call in this turn already. Then the SDK has told it so. */
function wasTold({ input }: AskedFor): boolean {
  if (typeof input === 'string') return false;
  const turn = input.slice(input.findLastIndex((item) => 'role' in item && item.role === 'user') + 1);
  return turn.some((item) => isBrokenCall(item as ToolCall));
}

/**
 * Rejects an answer with a tool call whose arguments are no JSON object, unless the SDK tells the model: it does so for
 * calls of tools, once in a turn. A handoff with such arguments would end the run.
 *
 * @throws {ProviderFault}
 */
export function assertToolCalls(output: readonly object[], request: AskedFor): void {
  const broken = (output as readonly ToolCall[]).filter(isBrokenCall);
  if (broken.length === 0) return;
  const handoffs = new Set(request.handoffs.map(({ toolName }) => toolName));
  if (broken.some(({ name }) => handoffs.has(name ?? '')) || wasTold(request)) throw brokenToolCall();
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
 *
 * @param request the request that the stream answers
 */
export function createStreamValidator(request: AskedFor) {
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
      assertToolCalls(event.response.output, request);
    },

    /** @throws {ProviderFault} always: the stream has ended without an answer */
    endedWithoutAnswer: (): never => {
      throw truncated();
    },

    /** Whether the provider has executed a tool. */
    hadEffects: (): boolean => hadEffects,
  };
}
