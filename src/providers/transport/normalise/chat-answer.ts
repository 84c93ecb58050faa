import { isRecord } from '../../../platform/is-record.ts';
import { answerFailed, MalformedAnswerError } from '../call-errors.ts';
import { answerEndOf } from './answer-end.ts';
import { assertWholeEnd, finishReasonOf, namelessCall, throwFailureOf } from './chat-choice.ts';
import { mendSaid } from './chat-content.ts';
import { type KeepFields, noteReasoning, nothingKept } from './kept-fields.ts';
import { reportedFailure } from './reported-failure.ts';
import type { HeadersOf } from './stream-normaliser.ts';
import { mendToolCalls } from './tool-calls.ts';
import { chatUsageNames, normaliseUsage, usageIn } from './usage.ts';

type Fields = Record<string, unknown>;

/** The choice that counts: that with index 0, else the first. A missing index is the position. */
export function choiceIn({ choices }: { choices?: unknown }): Fields | undefined {
  if (!Array.isArray(choices)) return undefined;
  const isPrimary = (choice: unknown, at: number): choice is Fields =>
    isRecord(choice) && Number(choice.index ?? at) === 0;
  return choices.find(isPrimary) ?? choices.find(isRecord);
}

/** The message of a choice. Some servers have it as a delta, as in a stream, or have its text alone. */
function messageOf({ message, delta, text }: Fields): Fields | null {
  if (isRecord(message)) return message;
  if (isRecord(delta)) return delta;
  if (typeof message === 'string') return { role: 'assistant', content: message };
  return typeof text === 'string' ? { role: 'assistant', content: text } : null;
}

function mendMessage(message: Fields, headers: HeadersOf): void {
  mendSaid(message);
  if (!Array.isArray(message.tool_calls)) return;
  const calls = mendToolCalls(message.tool_calls) as Fields[];
  if (calls.some((call) => isRecord(call.function) && call.function.name === '')) throw namelessCall(headers);
  if (calls.length > 0 || message.tool_calls.length === 0) message.tool_calls = calls;
  else delete message.tool_calls;
}

/** Judges the end of a choice, and gives it the word that the SDK knows for an answer that was withheld. */
function mendEnd(choice: Fields, { content, tool_calls: calls }: Fields, headers: HeadersOf): void {
  const reason = finishReasonOf(choice);
  if (reason === null) return;
  assertWholeEnd(reason, { text: Boolean(content), calls: Array.isArray(calls) && calls.length > 0 }, headers);
  if (answerEndOf('chat_completions', reason) === 'refused') choice.finish_reason = 'content_filter';
}

function mendId(body: Fields): void {
  if (typeof body.id === 'number') body.id = String(body.id);
  else if (body.id !== undefined && (typeof body.id !== 'string' || body.id === '')) delete body.id;
}

/**
 * Whether an answer in one piece says how it ended. One that does not is whole all the same, since its JSON is, if it has
 * text or tool calls.
 */
export function statesEnd({ choices }: { choices?: unknown }): boolean {
  const choice = choiceIn({ choices });
  return choice !== undefined && finishReasonOf(choice) !== null;
}

/**
 * Normalises a chat completion that is not streamed, in place.
 *
 * @throws {APIError} or one of its subclasses, those of `call-errors.ts` included, if it is not a whole answer
 */
export function normaliseChatAnswer(body: object, headers: HeadersOf, keep: KeepFields): object {
  const answer = body as Fields;
  const choice = choiceIn(answer);
  const usage = usageIn(answer);
  if (choice !== undefined) throwFailureOf(choice, headers);
  const message = choice === undefined ? null : messageOf(choice);
  const failure = reportedFailure(answer, 'chat_completions');
  if (failure !== null) throw answerFailed(failure, headers());
  if (choice === undefined || message === null) {
    throw new MalformedAnswerError('it has no choice with a message', headers());
  }
  choice.message = message;
  if ((answer.choices as unknown[])[0] !== choice || choice.index === undefined) answer.choices = [choice];
  const kept = nothingKept();
  noteReasoning(message, () => kept);
  if (kept.reasoning !== null) keep(kept);
  mendMessage(message, headers);
  mendEnd(choice, message, headers);
  mendId(answer);
  if (usage !== undefined && usage !== null) answer.usage = normaliseUsage(usage, chatUsageNames);
  return answer;
}
