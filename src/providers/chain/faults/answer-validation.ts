import type { ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { modelCallOf } from '../../model-call.ts';
import { answerEndOf } from '../../transport/index.ts';
import { type ContentAskedFor, hasHostedCall, settleOutput } from './answer-content.ts';
import { kindOfCodes } from './error-table.ts';
import { assertToolsKnown } from './known-tools.ts';
import { type FaultKind, ProviderFault, ReportedFailure } from './provider-fault.ts';

type Choice = {
  index?: number;
  finish_reason?: string | null;
  message?: object;
  delta?: { content?: unknown } | null;
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
const codeOf = (error: unknown): string | number | null => {
  const code = isRecord(error) ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? code : null;
};

const truncated = () => new ProviderFault('truncated', "The provider's answer ended before it was whole.");
const brokenToolCall = () => new ProviderFault('broken_tool_call', 'The arguments of a tool call are no JSON object.');

/** What ends that are not whole mean, in words for the log. */
const badEnds: Record<string, { kind: FaultKind; message: string }> = {
  cut: { kind: 'output_limit', message: "The model's answer reached its token limit." },
  refused: { kind: 'content_filtered', message: 'The provider withheld the answer.' },
  failed: { kind: 'answer_failed', message: "The provider's answer ended, but is not whole." },
};
const badEnd = (end: 'cut' | 'refused' | 'failed', kind?: FaultKind | null) => {
  const { kind: usual, message } = badEnds[end] as (typeof badEnds)[string];
  return new ProviderFault(kind ?? usual, message);
};

/** @throws {ProviderFault} unless the reason that the provider gives for the end of its answer says that it is whole */
function assertEnd(api: 'chat_completions' | 'responses', reason: string): void {
  const end = answerEndOf(api, reason);
  if (end !== 'whole') throw badEnd(end, end === 'failed' ? kindOfCodes([reason]) : null);
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
  if (choice.finish_reason) assertEnd('chat_completions', choice.finish_reason);
}

function assertResponse({ status, error, incomplete_details: details }: ResponseAnswer): void {
  if (status === 'failed') throw new ReportedFailure(codeOf(error));
  if (status) assertEnd('responses', (status === 'incomplete' && details?.reason) || status);
}

/**
 * Rejects an answer in one piece that is incomplete, has failed or cannot be used.
 *
 * @param data the answer as the provider sent it; anything else that a model of the application gives is left to the SDK
 * @throws {ProviderFault}
 * @throws {ReportedFailure}
 */
export function assertAnswer(data: unknown): void {
  if (!isRecord(data)) return;
  if (Array.isArray(data.choices)) assertChat(data as ChatAnswer);
  else if (Array.isArray(data.output)) assertResponse(data as ResponseAnswer);
}

/** Whether an answer in one piece says how it ended. One that does not is whole if its JSON is: the transport judges that. */
export function statesEnd(data: unknown): boolean {
  if (!isRecord(data)) return true;
  if (Array.isArray(data.choices)) return Boolean((data.choices[0] as Choice | undefined)?.finish_reason);
  return !Array.isArray(data.output) || Boolean(data.status);
}

/** The part of a request that decides whether its answer can be used. */
export type AskedFor = ContentAskedFor & Pick<ModelRequest, 'handoffs' | 'modelSettings'>;

/** Whether the model has made a broken tool call in this turn already. Then the SDK has told it so. */
function wasTold({ input }: Pick<AskedFor, 'input'>): boolean {
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
export function assertToolCalls(output: readonly object[], request: Pick<AskedFor, 'input' | 'handoffs'>): void {
  const broken = (output as readonly ToolCall[]).filter(isBrokenCall);
  if (broken.length === 0) return;
  const handoffs = new Set(request.handoffs.map(({ toolName }) => toolName));
  if (broken.some(({ name }) => handoffs.has(name ?? '')) || wasTold(request)) throw brokenToolCall();
}

/** The most tokens that a request lets its answer have. */
function outputTokensMax({ modelSettings }: AskedFor): number {
  const { max_output_tokens: raw } = (modelSettings?.providerData ?? {}) as { max_output_tokens?: unknown };
  const limit = raw ?? modelSettings?.maxTokens;
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
}

/** An answer as the SDK's models give it, in one piece or at the end of a stream. */
type Answered = Pick<ModelResponse, 'output'> & { usage?: { outputTokens?: number } };

type RawEvent = {
  object?: string;
  type?: string;
  choices?: Choice[] | null;
  response?: ResponseAnswer;
  item?: { type?: string };
  error?: unknown;
  code?: unknown;
};

/** Calls of tools that the provider executes while it answers: a second request executes them again. */
const hostedTool =
  /^(?!function_call$|custom_tool_call$|computer_call$|local_shell_call$|shell_call$|apply_patch_call$).+_call$/;

/**
 * Validates the answer to one request. The SDK's Chat Completions model treats a truncated stream as a complete one, its
 * Responses model does not report why a provider has failed, and its loop asks again for an answer without content.
 */
export class AnswerValidator {
  readonly #request: AskedFor;
  readonly #statesLimit: boolean;
  #isChat = false;
  #finishReason: string | null = null;
  #hadEffects = false;
  #hadOutput = false;
  #hasEmptyText = false;

  /** @param statesLimit whether the server says when the token limit cut an answer. Defaults to true */
  constructor(request: AskedFor, statesLimit = true) {
    this.#request = request;
    this.#statesLimit = statesLimit;
  }

  /**
   * Checks the next event of a stream. Returns it, the last one with the output as the SDK needs it.
   *
   * @throws {ProviderFault} if the answer is not complete
   * @throws {ReportedFailure} if the provider reports a failure
   */
  check(event: StreamEvent): StreamEvent {
    if (event.type === 'output_text_delta') this.#hadOutput = true;
    if (event.type === 'model') this.#checkRaw(event.event as RawEvent);
    if (event.type !== 'response_done') return event;
    this.#checkFinish();
    const { response } = event;
    const output = this.#settled(response as unknown as Answered) as typeof response.output;
    return output === response.output ? event : { ...event, response: { ...response, output } };
  }

  /**
   * Checks an answer in one piece. Returns it, with the output as the SDK needs it.
   *
   * @throws {ProviderFault} {@link ReportedFailure} if it is not complete, or has failed
   */
  checkWhole(response: ModelResponse): ModelResponse {
    assertAnswer(response.providerData);
    const output = this.#settled(response);
    return output === response.output ? response : { ...response, output };
  }

  /** @throws {ProviderFault} always: the stream has ended without an answer */
  endedWithoutAnswer(): never {
    throw truncated();
  }

  /** Whether the provider has executed a tool. */
  hadEffects(): boolean {
    return this.#hadEffects;
  }

  #checkRaw(raw: RawEvent): void {
    if (raw.object === 'chat.completion.chunk') this.#checkChunk(raw);
    if (raw.type === 'response.output_item.added' && hostedTool.test(raw.item?.type ?? '')) this.#hadEffects = true;
    if (raw.type === 'response.failed') throw new ReportedFailure(codeOf(raw.response?.error));
    if (raw.type === 'error') throw new ReportedFailure(codeOf(raw.error) ?? codeOf(raw));
    if (raw.type === 'response.incomplete') assertResponse({ ...raw.response, status: 'incomplete' });
  }

  #checkChunk({ choices }: RawEvent): void {
    this.#isChat = true;
    for (const { index, finish_reason: reason, delta } of choices ?? []) {
      if (index) continue; // the SDK reads the first choice
      if (reason) this.#finishReason = reason;
      if (delta?.content === '') this.#hasEmptyText = true;
    }
  }

  #checkFinish(): void {
    const reason = this.#finishReason;
    if (this.#isChat && reason === null) throw truncated();
    // A withheld answer without any content: the SDK turns it into a refusal, which means the same.
    if (reason !== null && (reason !== 'content_filter' || this.#hadOutput)) assertEnd('chat_completions', reason);
  }

  /** The output of the answer: see `settleOutput`. */
  #settled({ output, usage }: Answered): ModelResponse['output'] {
    this.#hadEffects ||= hasHostedCall(output);
    const tokens = usage?.outputTokens ?? 0;
    if (!this.#statesLimit && tokens >= outputTokensMax(this.#request)) throw badEnd('cut');
    assertToolsKnown(output, this.#request, modelCallOf(this.#request)?.tellsUnknownTools === true);
    assertToolCalls(output, this.#request);
    return settleOutput(output, this.#request, this.#hasEmptyText);
  }
}
