/** Called with each event of a stream: its data, and its name, which is empty if it has none. */
export type SseEventListener = (data: string, name: string) => void;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = 0xfeff;

/** An event, or a line of one, exceeds the limit of bytes. */
export class SseEventTooLong extends Error {}

/**
 * Parses bytes into server-sent events (WHATWG HTML, section 9.2.6): lines end with LF, CRLF or CR. Chunks end anywhere,
 * also within a character. Bytes are decoded when their line is complete, all lines of a chunk at once.
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
    if (text.startsWith('data', from)) this.#addData(fieldValue(text, from + 4, to));
    else if (text.startsWith('event', from)) this.#name = fieldValue(text, from + 5, to) ?? this.#name;
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
    if (data !== null) this.#onEvent(data, name);
  }
}

/** The value of a field whose name ends at `at`; null if the name of the field continues there. */
function fieldValue(text: string, at: number, to: number): string | null {
  if (at === to) return '';
  if (text[at] !== ':') return null;
  return text.slice(text[at + 1] === ' ' ? at + 2 : at + 1, to);
}
