import { isRecord } from '../../../platform/is-record.ts';
import { AnswerEndError, answerFailed, MalformedAnswerError } from '../call-errors.ts';
import { type AnswerEnd, announcesCalls, answerEndOf } from './answer-end.ts';
import { mendSaid } from './chat-content.ts';
import { textOf } from './json-text.ts';
import { type KeepFields, type KeptFields, noteReasoning, nothingKept } from './kept-fields.ts';
import { saysNothing } from './reported-failure.ts';
import type { HeadersOf } from './stream-normaliser.ts';
import { ToolCalls } from './tool-calls.ts';

type Fields = Record<string, unknown>;

/** The reason that a choice gives for its end; null for none. */
export function finishReasonOf({ finish_reason: reason }: Fields): string | null {
  if (typeof reason === 'string') return reason === '' ? null : reason;
  return reason === undefined || reason === null ? null : textOf(reason);
}

/** @throws {APIError} for a failure that a choice reports, as OpenRouter does */
export function throwFailureOf({ error }: Fields, headers: HeadersOf): void {
  if (saysNothing(error)) return;
  if (isRecord(error)) throw answerFailed(error, headers());
  if (typeof error === 'string') throw answerFailed({ message: error }, headers());
}

/**
 * @param has whether there is text, and a call. The SDK makes a refusal of an answer that was withheld as a whole
 * @throws {AnswerEndError} if an end says that the answer is not whole, or that there are calls where there is text alone
 */
export function assertWholeEnd(reason: string, has: { text: boolean; calls: boolean }, headers: HeadersOf): void {
  const end = answerEndOf('chat_completions', reason);
  if (end === 'whole' && has.text && !has.calls && announcesCalls(reason)) {
    throw new AnswerEndError('failed', reason, headers());
  }
  if (end === 'whole' || (end === 'refused' && !has.text && !has.calls)) return;
  throw new AnswerEndError(end, reason, headers());
}

/** The error for a call without a name. */
export const namelessCall = (headers: HeadersOf): MalformedAnswerError =>
  new MalformedAnswerError('a tool call of it has no name', headers());

/** The choice of a streamed chat completion, mended piece by piece. */
export class ChatChoice {
  readonly #headers: HeadersOf;
  readonly #keep: KeepFields;
  #kept: KeptFields | null = null;
  #calls: ToolCalls | null = null;
  #hasText = false;
  #hasCalls = false;
  /** Whether anything has come as `delta`; then a `message` only repeats it. */
  #hasDelta = false;
  /** The text that has come as `message`. */
  #messageText = '';
  #end: AnswerEnd | null = null;
  /** The reason for the end; the first one that says that the answer is not whole stays. */
  reason: string | null = null;

  constructor(headers: HeadersOf, keep: KeepFields) {
    this.#headers = headers;
    this.#keep = keep;
  }

  /**
   * Mends a piece in place.
   *
   * @throws {APIError} for a failure that it reports
   */
  mend(choice: Fields): void {
    if (choice.error != null) throwFailureOf(choice, this.#headers);
    const isDelta = isRecord(choice.delta);
    const delta = isDelta ? (choice.delta as Fields) : this.#deltaOf(choice);
    if (typeof delta.content !== 'string' || !isPlain(delta)) this.#mendDelta(delta);
    if (delta.content || delta.tool_calls) {
      if (delta.content) this.#hasText = true;
      if (delta.tool_calls) this.#hasCalls = true;
      this.#hasDelta ||= isDelta;
    }
    if (choice.finish_reason !== null) this.#mendEnd(choice);
  }

  /** The deltas of tool calls that are still to be passed on. */
  rest(): Fields[] {
    return this.#calls?.end() ?? [];
  }

  /** @throws {AnswerEndError} if the end that came says that the answer is not whole */
  assertWhole(): void {
    const has = { text: this.#hasText, calls: this.#hasCalls };
    if (this.reason !== null) assertWholeEnd(this.reason, has, this.#headers);
    if (this.#calls?.isNameless()) throw namelessCall(this.#headers);
  }

  #mendDelta(delta: Fields): void {
    noteReasoning(delta, () => this.#keptFields());
    mendSaid(delta);
    if (!Array.isArray(delta.tool_calls)) return;
    this.#calls ??= new ToolCalls();
    const mended = this.#calls.add(delta.tool_calls);
    if (this.#calls.hasExtras) this.#keptFields().callExtras = this.#calls.extras();
    if (mended.length > 0) delta.tool_calls = mended;
    else delete delta.tool_calls;
  }

  /** The fields that are kept, which are announced with the first of them. */
  #keptFields(): KeptFields {
    if (this.#kept === null) {
      this.#kept = nothingKept();
      this.#keep(this.#kept);
    }
    return this.#kept;
  }

  /** The delta of a choice without one: its message, or the text of the old completions. */
  #deltaOf(choice: Fields): Fields {
    if (typeof choice.delta === 'string') return this.#replaced(choice, { content: choice.delta });
    const message = isRecord(choice.message) && !this.#hasDelta ? { ...choice.message } : {};
    if (typeof choice.text === 'string' && choice.message === undefined) message.content = choice.text;
    else if (message.content !== undefined) {
      noteReasoning(message, () => this.#keptFields());
      mendSaid(message);
      message.content = this.#newTextOf(String(message.content ?? ''));
    }
    return this.#replaced(choice, message);
  }

  #replaced(choice: Fields, delta: Fields): Fields {
    choice.delta = delta;
    delete choice.message;
    return delta;
  }

  /** Some servers repeat in each message all of its text. */
  #newTextOf(text: string): string {
    const before = this.#messageText;
    const repeats = before !== '' && text.startsWith(before);
    this.#messageText = repeats ? text : before + text;
    return repeats ? text.slice(before.length) : text;
  }

  #mendEnd(choice: Fields): void {
    const reason = finishReasonOf(choice);
    if (reason !== null && (this.#end === null || this.#end === 'whole')) {
      this.reason = reason;
      this.#end = answerEndOf('chat_completions', reason);
    }
    // As in the `openai` client, for servers that omit the field. The SDK knows one word for an answer that was withheld.
    if (reason === null) choice.finish_reason = null;
    else choice.finish_reason = this.#end === 'refused' ? 'content_filter' : this.reason;
  }
}

/** Whether a delta has nothing that may have to be mended but its content. */
function isPlain(delta: Fields): boolean {
  return (
    delta.tool_calls === undefined &&
    delta.reasoning_content === undefined &&
    delta.thinking === undefined &&
    delta.reasoning === undefined &&
    delta.refusal === undefined &&
    delta.audio === undefined &&
    delta.function_call === undefined
  );
}
