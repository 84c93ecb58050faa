/**
 * Called with each event of a stream: its data, and its name, which is empty if it has none, or `bareJson` for JSON that is
 * the whole body.
 */
export type SseEventListener = (data: string, name: string) => void;

/** The name of an event that is no event but JSON which is the whole body. No event can have it. */
export const bareJson = '\n';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = 0xfeff;
const space = 0x20;
const openingBrace = 0x7b;
const openingBracket = 0x5b;

/** An event, or a line of one, exceeds the limit of bytes. */
export class SseEventTooLong extends Error {}

/**
 * Parses bytes into server-sent events (WHATWG HTML, section 9.2.6): lines end with LF, CRLF or CR. Chunks end anywhere,
 * also within a character. Bytes are decoded when their line is complete, all lines of a chunk at once.
 *
 * JSON that stands in the body without any field is taken, too, which the standard ignores: a line of JSON is an event, and
 * JSON of one line or more that is the whole body is one event named `bareJson`.
 */
export class SseParser {
  readonly #onEvent: SseEventListener;
  readonly #bytesMax: number;
  /** The bytes of a line whose end has not arrived. */
  #partialLine: Buffer[] = [];
  #partialLineBytes = 0;
  /** The data of the event whose end has not arrived; null if it has none yet. */
  #data: string | null = null;
  #name = '';
  #isFirst = true;
  /** Lines of JSON that stand without a field; null if there are none. */
  #bare: string | null = null;
  /** Whether `#bare` has several lines, or one that is not JSON by itself. */
  #isBareLong = false;
  #hasEvents = false;
  /** The last chunk ended with CR: an LF at the beginning of the next one belongs to it. */
  #endedWithReturn = false;

  constructor(onEvent: SseEventListener, bytesMax: number) {
    this.#onEvent = onEvent;
    this.#bytesMax = bytesMax;
  }

  /** @throws {SseEventTooLong} */
  push(chunk: Buffer): void {
    const start = this.#endedWithReturn && chunk[0] === lineFeed ? 1 : 0;
    if (chunk.length > start) this.#endedWithReturn = chunk[chunk.length - 1] === carriageReturn;
    else if (chunk.length > 0) this.#endedWithReturn = false;
    const end = Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1;
    if (end > start)
      this.#parseLines(this.#decode(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end)));
    const partialStart = Math.max(start, end);
    if (partialStart < chunk.length) this.#keepPartialLine(partialStart === 0 ? chunk : chunk.subarray(partialStart));
  }

  /** Ends the stream. The last event counts even if the empty line after it is missing. */
  end(): void {
    if (this.#partialLineBytes > 0) this.#parseLines(this.#decode(Buffer.from('\n')));
    if (this.#bare !== null) this.#emitBare(this.#hasEvents ? '' : bareJson);
    this.#emit();
  }

  #keepPartialLine(bytes: Buffer): void {
    this.#partialLineBytes += bytes.length;
    if (this.#partialLineBytes > this.#bytesMax) throw new SseEventTooLong();
    this.#partialLine.push(bytes);
  }

  /** Decodes complete lines and normalises their ends to LF. */
  #decode(bytes: Buffer): string {
    let text: string;
    if (this.#partialLineBytes === 0) text = bytes.toString();
    else {
      text = Buffer.concat([...this.#partialLine, bytes]).toString();
      this.#partialLine = [];
      this.#partialLineBytes = 0;
    }
    if (this.#isFirst) {
      this.#isFirst = false;
      if (text.charCodeAt(0) === byteOrderMark) text = text.slice(1);
    }
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  }

  #parseLines(text: string): void {
    let from = 0;
    while (from < text.length) {
      const to = text.indexOf('\n', from);
      if (to === from) this.#emit();
      else this.#parseLine(text, from, to);
      from = to + 1;
    }
  }

  #parseLine(text: string, from: number, to: number): void {
    if (this.#bare !== null && this.#addBare(text.slice(from, to))) return;
    if (text.startsWith('data', from)) this.#addData(fieldValue(text, from + 4, to));
    else if (text.startsWith('event', from)) this.#name = fieldValue(text, from + 5, to) ?? this.#name;
    else this.#beginBare(text, from, to);
  }

  /** Keeps a line that begins as JSON does. */
  #beginBare(text: string, from: number, to: number): void {
    let at = from;
    while (at < to && text.charCodeAt(at) <= space) at += 1;
    const code = text.charCodeAt(at);
    if (at < to && (code === openingBrace || code === openingBracket)) this.#bare = text.slice(at, to);
  }

  /** Adds a line to the JSON before it. False if that has ended. */
  #addBare(line: string): boolean {
    if (line.startsWith('data:'))
      this.#bare = null; // not JSON after all
    else if (!this.#isBareLong && isJson(this.#bare as string)) this.#emitBare('');
    if (this.#bare === null) {
      this.#isBareLong = false;
      return false;
    }
    this.#isBareLong = true;
    this.#bare += `\n${line}`;
    if (this.#bare.length > this.#bytesMax) throw new SseEventTooLong();
    return true;
  }

  #emitBare(name: string): void {
    const bare = this.#bare as string;
    this.#bare = null;
    this.#hasEvents = true;
    this.#onEvent(bare, name);
  }

  #addData(value: string | null): void {
    if (value === null) return;
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    if (this.#data.length > this.#bytesMax) throw new SseEventTooLong();
  }

  #emit(): void {
    const data = this.#data;
    const name = this.#name;
    this.#data = null;
    this.#name = '';
    if (data === null || data === '') return;
    this.#hasEvents = true;
    this.#onEvent(data, name);
  }
}

/** Whether a line is JSON, or the end of a stream that stands without a field. */
function isJson(line: string): boolean {
  if (line.startsWith('[DONE]')) return true;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** The value of a field whose name ends at `at`; null if the name of the field continues there. */
function fieldValue(text: string, at: number, to: number): string | null {
  if (at === to) return '';
  if (text[at] !== ':') return null;
  return text.slice(text[at + 1] === ' ' ? at + 2 : at + 1, to);
}
