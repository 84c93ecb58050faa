import { filesOf } from './answer-files.ts';
import type { AttemptContext } from './attempt-context.ts';
import {
  hasOutputItem,
  hostedCallOf,
  hostedOutputCharsMax,
  isFailed,
  isHostedType,
  outputOf,
  type RawItem,
  toolOfOutput,
  toRawItem,
} from './hosted-item.ts';
import type { OutputItem } from './model-answer.ts';
import type { HostedCallStart } from './recorded-entries.ts';
import type { ReasoningPart } from './side-text.ts';

/** An event of a provider's stream, as far as it matters here. */
export type RawEvent = {
  type?: string;
  output_index?: number;
  item?: RawItem;
  summary_index?: number;
  delta?: string;
  text?: string;
};

/** `pairId` is what the provider calls the call where its output is an item of its own. */
type OpenCall = HostedCallStart & { pairId: unknown };
type Summary = { readonly part: ReasoningPart; isCompleted: boolean };

/** Where an answer is in the run: `isOwn` if the run's own agent gives it, and not an agent used as a tool. */
export type AnswerPlace = { step: number; isOwn: boolean };

const logsOf = ({ outputs }: RawItem) => {
  const logs = ((outputs ?? []) as { logs?: string }[]).flatMap((output) => output.logs ?? []);
  return logs.length === 0 ? {} : { logs };
};

const brokeOff = 'The answer of the model broke off. Whether the tool has had an effect is not known.';

/** The end of a call of a hosted tool. */
const completedCall = (
  { step, callId, tool, arguments: given, startedAtMs }: HostedCallStart,
  { output, isError, nowMs }: { output: string; isError: boolean; nowMs: number },
) => ({
  type: 'tool.completed' as const,
  step,
  call_id: callId,
  tool,
  arguments: given,
  output,
  is_error: isError,
  duration_ms: Math.max(0, nowMs - startedAtMs),
  hosted: true as const,
});

/** The end of a call of a hosted tool whose answer broke off, so that no call stays open. */
export const withdrawnCall = (call: HostedCallStart, nowMs: number) =>
  completedCall(call, { output: brokeOff, isError: true, nowMs });

/**
 * Reports what a model's answer has besides text: calls of tools that the provider executes, and summaries of reasoning.
 * Of a stream as it arrives; otherwise, and what the stream did not tell, once the answer is complete. Each once.
 */
export class AnswerEvents {
  readonly #attempt: AttemptContext;
  readonly #place: AnswerPlace;
  readonly #open = new Map<string, OpenCall>();
  readonly #ended = new Set<string>();
  readonly #summaries = new Map<string, Summary>();

  constructor(attempt: AttemptContext, place: AnswerPlace) {
    this.#attempt = attempt;
    this.#place = place;
  }

  /** An event of the stream; nearly all are about text, and of no interest. */
  see(raw: RawEvent): void {
    if (raw.item === undefined && raw.summary_index === undefined) return;
    if (!this.#attempt.isOpen()) return;
    const { type, item, output_index: index = 0, summary_index: summaryIndex = 0 } = raw;
    if (item !== undefined) {
      if (type === 'response.output_item.added') this.#begin(item, index);
      else if (type === 'response.output_item.done') this.#end(item, index);
    } else if (this.#place.isOwn) this.#seeSummary(raw, this.#summaryOf(index, summaryIndex));
  }

  #seeSummary({ type, delta = '', text = '' }: RawEvent, summary: Summary): void {
    if (type === 'response.reasoning_summary_text.delta') this.#attempt.sideText().addReasoning(summary.part, delta);
    else if (type === 'response.reasoning_summary_text.done') this.#endSummary(summary, text);
  }

  /** The answer is complete. */
  complete(output: readonly OutputItem[]): void {
    for (const [index, item] of output.entries()) {
      if (item.type === 'reasoning' && this.#place.isOwn) this.#endSummaries(item, index);
      else if (item.type === 'hosted_tool_call' || isHostedType(item.type)) this.#end(toRawItem(item), index);
    }
    for (const call of this.#open.values()) this.#emitCompleted(call, '', false);
  }

  /**
   * The answer broke off. Its calls that are not complete get an end, so that none stays open. Returns whether text of
   * reasoning was shown.
   */
  withdraw(): boolean {
    for (const call of this.#open.values()) this.#emitCompleted(call, brokeOff, true);
    const hadReasoning = this.#summaries.size > 0;
    this.#summaries.clear();
    this.#ended.clear();
    return hadReasoning;
  }

  #begin(item: RawItem, index: number): OpenCall | null {
    const call = hostedCallOf(item);
    if (call === null) return null;
    const callId = call.callId || `item_${this.#place.step}_${index}`;
    const known = this.#open.get(callId);
    if (known || this.#ended.has(callId)) return known ?? null;
    const { step } = this.#place;
    const open = { ...call, step, callId, pairId: item.call_id, startedAtMs: this.#attempt.clock.nowMs() };
    this.#open.set(callId, open);
    const { tool, arguments: given } = call;
    this.#attempt.flushText();
    this.#attempt.journal.emit({ type: 'tool.started', step, call_id: callId, tool, arguments: given, hosted: true });
    return open;
  }

  /** An item is complete: a call, which has ended unless its output is an item of its own, or such an output. */
  #end(item: RawItem, index: number): void {
    const outputTool = toolOfOutput(item);
    if (outputTool !== null) {
      const calls = [...this.#open.values()].filter(({ tool }) => tool === outputTool);
      const call = calls.find(({ pairId }) => pairId === item.call_id) ?? calls[0];
      if (call) this.#emitCompleted(call, this.#outputText(item, index), isFailed(item));
      return;
    }
    const begun = this.#begin(item, index);
    if (begun === null) return;
    const call = { ...begun, ...hostedCallOf(item), callId: begun.callId };
    if (hasOutputItem(item)) this.#open.set(call.callId, call);
    else this.#emitCompleted(call, this.#outputText(item, index), isFailed(item));
  }

  #emitCompleted(call: OpenCall, output: string, isError: boolean): void {
    this.#open.delete(call.callId);
    this.#ended.add(call.callId);
    this.#attempt.flushText();
    const nowMs = this.#attempt.clock.nowMs();
    this.#attempt.journal.emit(completedCall(call, { output, isError, nowMs }));
  }

  /** The output as an event has it: files are named instead of their bytes, and so is the step of what is too long. */
  #outputText(item: RawItem, index: number): string {
    const { step } = this.#place;
    const files = filesOf(item, { runId: this.#attempt.run.id, step, index });
    if (files.length > 0) return JSON.stringify({ files, ...logsOf(item) });
    const output = outputOf(item);
    const text = typeof output === 'string' ? output : output === undefined ? '' : JSON.stringify(output);
    return text.length <= hostedOutputCharsMax
      ? text
      : JSON.stringify({ bytes: Buffer.byteLength(text), in_step: step });
  }

  #summaryOf(index: number, summaryIndex: number): Summary {
    const key = `${index}.${summaryIndex}`;
    const known = this.#summaries.get(key);
    if (known) return known;
    const summary = { part: { step: this.#place.step, part: this.#summaries.size + 1 }, isCompleted: false };
    this.#summaries.set(key, summary);
    return summary;
  }

  #endSummary(summary: Summary, text: string): void {
    if (summary.isCompleted) return;
    summary.isCompleted = true;
    this.#attempt.flushText();
    this.#attempt.sideText().endReasoning(summary.part, text);
  }

  #endSummaries({ content }: OutputItem, index: number): void {
    for (const [summaryIndex, { text = '' }] of ((content ?? []) as { text?: string }[]).entries()) {
      this.#endSummary(this.#summaryOf(index, summaryIndex), text);
    }
  }
}
