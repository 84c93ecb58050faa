import type { StreamEvent } from '@openai/agents';
import { ProviderFault, ReportedFailure } from './provider-fault.ts';

type ToolCall = { function?: { arguments?: unknown } };
type Choice = {
  finish_reason?: string | null;
  message?: { tool_calls?: ToolCall[] | null };
  delta?: { tool_calls?: unknown[] | null };
};
type ChatAnswer = { object?: string; choices?: Choice[] };
type Item = { type?: string; arguments?: unknown };
type ResponseAnswer = {
  object?: string;
  status?: string;
  error?: { code?: unknown } | null;
  incomplete_details?: { reason?: string } | null;
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const codeOf = (error: unknown): string | null =>
  isRecord(error) && typeof error.code === 'string' ? error.code : null;

const cutOff = () => new ProviderFault('truncated', "The provider's answer ended before it was whole.");
const atLimit = () => new ProviderFault('output_limit', "The model's answer reached its token limit.");
const filtered = () => new ProviderFault('content_filtered', 'The provider withheld the answer.');
const brokenCall = () => new ProviderFault('broken_tool_call', 'The arguments of a tool call are no JSON object.');

/** An answer that ended too early, by the reason that the provider gives for its end. */
function assertFinish(reason: string | null | undefined): void {
  if (reason === 'length' || reason === 'max_output_tokens') throw atLimit();
  if (reason === 'content_filter') throw filtered();
}

/** The arguments of a tool call; models that have nothing to say leave them empty. */
function assertArguments(text: unknown): void {
  if (typeof text !== 'string' || text.trim() === '') return;
  try {
    if (isRecord(JSON.parse(text))) return;
  } catch {
    // it is told below
  }
  throw brokenCall();
}

/** A withheld answer without any content: the SDK makes a refusal of it, which says the same. */
const isRefusalToBe = ({ finish_reason, message }: Choice): boolean =>
  finish_reason === 'content_filter' && !(message as { content?: unknown })?.content;

function assertChat({ choices }: ChatAnswer): void {
  const [choice] = choices ?? [];
  if (!choice?.message || isRefusalToBe(choice)) return;
  assertFinish(choice.finish_reason);
  for (const call of choice.message.tool_calls ?? []) assertArguments(call.function?.arguments);
}

function assertResponse({ status, error, incomplete_details }: ResponseAnswer): void {
  if (status === 'failed') throw new ReportedFailure(codeOf(error));
  if (status === 'incomplete') {
    assertFinish(incomplete_details?.reason);
    throw cutOff();
  }
}

/**
 * Refuses an answer that is none to go on with, though it came with a status of success and in the shape of one.
 *
 * @throws {ProviderFault}
 * @throws {ReportedFailure}
 */
export function assertAnswer(data: unknown): void {
  if (!isRecord(data)) return; // a stream, which is watched as it comes, or what the client has let pass
  if ('choices' in data) assertChat(data as ChatAnswer);
  else if ('status' in data) assertResponse(data as ResponseAnswer);
}

/** @throws {ProviderFault} if the arguments of a tool call in an answer cannot be meant */
export function assertToolCalls(output: readonly object[]): void {
  for (const item of output as readonly Item[]) if (item.type === 'function_call') assertArguments(item.arguments);
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

/** Tools that are carried out at the provider while it answers: a second request carries them out again. */
const hostedTool =
  /^(?!function_call$|custom_tool_call$|computer_call$|local_shell_call$|shell_call$|apply_patch_call$).+_call$/;

/**
 * Watches the events of a stream. The SDK's Chat Completions model takes a stream that was cut for one that has ended,
 * and its Responses model keeps to itself why a provider has failed.
 */
export function createStreamWatch() {
  let isChat = false;
  let finish: string | null = null;
  let hadEffects = false;
  let hadOutput = false;

  function see(raw: RawEvent): void {
    if (raw.object === 'chat.completion.chunk') {
      isChat = true;
      for (const { finish_reason } of raw.choices ?? []) if (finish_reason) finish = finish_reason;
      return;
    }
    if (raw.type === 'response.output_item.added' && hostedTool.test(raw.item?.type ?? '')) hadEffects = true;
    if (raw.type === 'response.failed') throw new ReportedFailure(codeOf(raw.response?.error));
    if (raw.type === 'error') throw new ReportedFailure(codeOf(raw.error) ?? codeOf(raw));
    if (raw.type === 'response.incomplete') assertFinish(raw.response?.incomplete_details?.reason);
  }

  return {
    /**
     * Looks at the next event.
     *
     * @throws {ProviderFault} if the answer is not whole
     * @throws {ReportedFailure} if the provider says that it has failed
     */
    see(event: StreamEvent): void {
      if (event.type === 'output_text_delta') hadOutput = true;
      if (event.type === 'model') see(event.event as RawEvent);
      if (event.type !== 'response_done') return;
      if (isChat && finish === null) throw cutOff();
      if (finish !== 'content_filter' || hadOutput) assertFinish(finish);
      assertToolCalls(event.response.output);
    },

    /** @throws {ProviderFault} at the end of a stream that had no answer in it */
    endedWithout: (): never => {
      throw cutOff();
    },

    /** Whether a tool was carried out at the provider. */
    hadEffects: (): boolean => hadEffects,
  };
}
