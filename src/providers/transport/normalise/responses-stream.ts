import { isRecord } from '../../../platform/is-record.ts';
import { AnswerEndError, answerFailed, MalformedAnswerError, TruncatedAnswerError } from '../call-errors.ts';
import { plainText } from './plain-text.ts';
import { reportedFailure } from './reported-failure.ts';
import { assertEnded, mendResponse, outputOf, type ResponseBody } from './responses-answer.ts';
import { type Item, mendItems, saysSomething, textIn } from './responses-item.ts';
import type { HeadersOf, StreamNormaliser } from './stream-normaliser.ts';
import { type ItemEvent, StreamedItems } from './streamed-items.ts';

type Event = Record<string, unknown>;

/** Events that report a failure; their response may say more of it. */
const failures = new Set(['error', 'response.error', 'response.failed', 'response.cancelled', 'response.canceled']);

const isItemEvent = (type: string): boolean =>
  type === 'response.output_item.added' || type === 'response.output_item.done';

/** The error of an event that reports a failure. */
function failureOf(type: string, event: Event, headers: HeadersOf): Error {
  const response = isRecord(event.response) ? event.response : {};
  const failure = reportedFailure({ error: event.error || response.error, output: [] }, 'responses');
  if (failure !== null) return answerFailed(failure, headers());
  if (type === 'error' || type === 'response.error') return answerFailed({ ...event, type: undefined }, headers());
  return new AnswerEndError('failed', String(response.status ?? type), headers());
}

/** Normalises the events of a streamed response. */
class ResponsesNormaliser implements StreamNormaliser {
  readonly #headers: HeadersOf;
  readonly #items = new StreamedItems();
  #begun: ResponseBody = {};
  /** The text that came in pieces, which callers have seen. */
  #shown = '';
  #hasTerminated = false;

  constructor(headers: HeadersOf) {
    this.#headers = headers;
  }

  event(event: unknown): object | null {
    if (this.#hasTerminated || !isRecord(event)) return null;
    const { type } = event;
    if (type === 'response.output_text.delta') return this.#textDelta(event);
    if (typeof type !== 'string') return event;
    if (failures.has(type)) throw failureOf(type, event, this.#headers);
    if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.done') {
      return this.#terminate(type, event);
    }
    return this.#progress(type, event);
  }

  isTerminal(): boolean {
    return this.#hasTerminated;
  }

  end(): null {
    if (!this.#hasTerminated) throw new TruncatedAnswerError(this.#headers());
    return null;
  }

  #textDelta(event: Event): Event | null {
    if (typeof event.delta !== 'string') event.delta = plainText(event.delta);
    if (event.delta === '') return null;
    this.#shown += event.delta;
    this.#items.pieceArrived(event);
    return event;
  }

  #progress(type: string, event: Event): Event | null {
    if (isItemEvent(type) && !isRecord(event.item)) return null;
    if (type === 'response.created' && isRecord(event.response)) this.#begun = event.response;
    if (event.delta !== undefined && typeof event.delta !== 'string') event.delta = plainText(event.delta);
    if (event.text !== undefined && typeof event.text !== 'string') event.text = plainText(event.text);
    if (type === 'response.function_call_arguments.delta') this.#items.pieceArrived(event);
    else this.#items.see(event as ItemEvent);
    return event;
  }

  /** The last event: the response with its output, which is that of the items before where it has none of its own. */
  #terminate(type: string, event: Event): Event {
    const response = isRecord(event.response) ? event.response : null;
    if (type === 'response.incomplete') throw this.#incomplete(response ?? {});
    const body: ResponseBody = response ?? { ...this.#begun, status: 'completed' };
    if (type === 'response.done') body.status ??= 'unknown';
    assertEnded(body, [], this.#headers);
    const output = this.#outputOf(body, response !== null);
    assertEnded(body, output, this.#headers);
    mendResponse(body);
    body.id ??= ''; // the SDK takes no event without one
    body.output = output;
    this.#hasTerminated = true;
    event.type = 'response.completed';
    event.response = body;
    return event;
  }

  #incomplete(body: ResponseBody): Error {
    try {
      assertEnded({ ...body, status: 'incomplete' }, [], this.#headers);
    } catch (error) {
      return error as Error;
    }
    return new AnswerEndError('failed', 'incomplete', this.#headers());
  }

  /** The output of the last event, with the calls that the events before said to be complete and that it has lost. */
  #withLostCalls(output: Item[]): Item[] {
    const calls = mendItems(this.#items.completeCalls(), this.#headers);
    const kept = output.filter(({ type }) => type === 'function_call');
    return [...output, ...calls.filter((call) => !kept.some((each) => isSameCall(each, call)))];
  }

  /**
   * The output with the text that was shown. A last event may have more text than its stream, which is shown with it; or
   * less, or other blanks around it: then the items that were streamed count, if they are complete.
   */
  #withShownText(output: Item[]): Item[] {
    const texts = output.map(textIn).filter((text) => text !== '');
    const said = texts.join('');
    // What is shown may be the whole text, the begin of it, or one message where the others were not streamed.
    if (this.#shown === '' || (said !== '' && said.startsWith(this.#shown)) || texts.includes(this.#shown))
      return output;
    const streamed = mendItems(this.#items.complete() ?? [], this.#headers);
    if (streamed.map(textIn).join('') === this.#shown) {
      const isLost = (item: Item) => isCall(item) && !streamed.some((each) => isSameCall(each, item));
      return [...streamed, ...output.filter(isLost)];
    }
    if (said === '' || said.trim() === this.#shown.trim()) return output;
    throw new MalformedAnswerError('its last event has another text than its stream', this.#headers());
  }

  #outputOf(body: ResponseBody, hasResponse: boolean): Item[] {
    const output = mendItems(outputOf(body) ?? [], this.#headers);
    if (output.some(saysSomething)) return this.#withShownText(this.#withLostCalls(output));
    const streamed = this.#items.complete();
    if (streamed === null) throw new TruncatedAnswerError(this.#headers());
    const items = mendItems(streamed, this.#headers);
    if (output.length === 0 || items.some(saysSomething)) output.splice(0, output.length, ...items);
    if (output.length === 0 && !hasResponse)
      throw new MalformedAnswerError('its last event has no response', this.#headers());
    return output;
  }
}

const isCall = ({ type }: Item): boolean => type === 'function_call';

/** Whether two calls are the same one. */
const isSameCall = (one: Item, other: Item): boolean =>
  one.call_id === other.call_id || (one.name === other.name && one.arguments === other.arguments);

/** Creates the normaliser of one streamed response. */
export const createResponsesNormaliser = (headers: HeadersOf): StreamNormaliser => new ResponsesNormaliser(headers);
