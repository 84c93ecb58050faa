import { isRecord } from '../../../platform/is-record.ts';
import { TruncatedAnswerError } from '../call-errors.ts';
import { ChatChoice } from './chat-choice.ts';
import type { KeepFields } from './kept-fields.ts';
import type { HeadersOf, StreamNormaliser } from './stream-normaliser.ts';
import { chatUsageNames, normaliseUsage, usageIn } from './usage.ts';

type Fields = Record<string, unknown>;

const chunkObject = 'chat.completion.chunk';

/** The index of a choice; one that is missing is 0. */
const indexOf = ({ index }: Fields): number => (index === undefined || index === null ? 0 : Number(index));

/**
 * A choice with another index than 0, which the SDK does not read. It counts if there is none with 0, which is known at the
 * end alone; until then it is collected.
 */
class OtherChoice {
  readonly #choice: ChatChoice;
  readonly index: number;
  readonly #said: Fields = {};
  readonly #calls: unknown[] = [];

  constructor(index: number, headers: HeadersOf, keep: KeepFields) {
    this.index = index;
    this.#choice = new ChatChoice(headers, keep);
  }

  add(choice: Fields): void {
    this.#choice.mend(choice);
    const delta = choice.delta as Fields;
    for (const name of ['content', 'reasoning', 'refusal']) {
      if (typeof delta[name] === 'string')
        this.#said[name] = ((this.#said[name] as string | undefined) ?? '') + delta[name];
    }
    if (Array.isArray(delta.tool_calls)) this.#calls.push(...delta.tool_calls);
  }

  /** The choice as the one that the SDK reads; null if it has no end. */
  whole(): Fields | null {
    if (this.#choice.reason === null) return null;
    this.#choice.assertWhole();
    const calls = [...this.#calls, ...this.#choice.rest()];
    const delta = calls.length === 0 ? this.#said : { ...this.#said, tool_calls: calls };
    return { index: 0, delta, finish_reason: this.#choice.reason };
  }
}

/** Normalises the chunks of a streamed chat completion. The SDK reads only the choice with index 0. */
class ChatNormaliser implements StreamNormaliser {
  readonly #headers: HeadersOf;
  readonly #keep: KeepFields;
  readonly #primary: ChatChoice;
  #hasPrimary = false;
  #other: OtherChoice | null = null;
  #usage: Fields | null = null;
  /** The last chunk, for the fields of one that is added. */
  #last: Fields = {};

  constructor(headers: HeadersOf, keep: KeepFields) {
    this.#headers = headers;
    this.#keep = keep;
    this.#primary = new ChatChoice(headers, keep);
  }

  event(event: unknown): object | null {
    if (!isRecord(event)) return null;
    const { choices } = event;
    const usage = usageIn(event);
    if (event.object !== chunkObject) event.object = chunkObject;
    if (typeof event.id === 'number') event.id = String(event.id);
    if (usage !== undefined && usage !== null) {
      this.#usage = normaliseUsage(usage, chatUsageNames, this.#usage) ?? this.#usage;
      event.usage = this.#usage;
    }
    if (!Array.isArray(choices)) {
      if (!event.usage) return null; // a sign of life
      event.choices = [];
    } else if (choices.length > 0) this.#mendChoices(event, choices);
    this.#last = event;
    return event;
  }

  isTerminal(): boolean {
    return false;
  }

  end(): object | null {
    if (!this.#hasPrimary && this.#other !== null) {
      const choice = this.#other.whole();
      if (choice !== null) return this.#chunkOf(choice);
    }
    const { reason } = this.#primary;
    if (reason === null) throw new TruncatedAnswerError(this.#headers());
    this.#primary.assertWhole();
    const calls = this.#primary.rest();
    return calls.length === 0 ? null : this.#chunkOf({ index: 0, delta: { tool_calls: calls }, finish_reason: reason });
  }

  #chunkOf(choice: Fields): Fields {
    const { id, created, model } = this.#last;
    return { id, object: chunkObject, created, model, choices: [choice] };
  }

  #mendChoices(chunk: Fields, choices: unknown[]): void {
    const [first] = choices;
    if (choices.length > 1 || !isRecord(first)) {
      const records = choices.filter(isRecord);
      chunk.choices = records;
      const primary = records.find((choice) => indexOf(choice) === 0);
      if (primary !== undefined) this.#mendPrimary(primary);
      else for (const choice of records) this.#addOther(choice);
    } else if (first.index === 0 || indexOf(first) === 0) this.#mendPrimary(first);
    else this.#addOther(first);
  }

  #mendPrimary(choice: Fields): void {
    this.#hasPrimary = true;
    this.#other = null;
    choice.index = 0;
    this.#primary.mend(choice);
  }

  #addOther(choice: Fields): void {
    const index = indexOf(choice);
    if (this.#hasPrimary) return;
    this.#other ??= new OtherChoice(index, this.#headers, this.#keep);
    if (this.#other.index === index) this.#other.add(choice);
  }
}

/** Normalises the chunks of a streamed chat completion. */
export const createChatNormaliser = (headers: HeadersOf, keep: KeepFields): StreamNormaliser =>
  new ChatNormaliser(headers, keep);
