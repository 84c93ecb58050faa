/** Takes an event of a stream: its data, and its name, which is empty where it has none. */
export type TakeEvent = (data: string, name: string) => void;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = 0xfeff;

/** An event, or a line of one, has more bytes than are allowed. */
export class SseEventTooLong extends Error {}

/**
 * Cuts bytes into server-sent events (WHATWG HTML, section 9.2.6): lines end with LF, CRLF or CR, chunks anywhere, also
 * within a character. Bytes are decoded when their line is whole, all lines of a chunk at once.
 */
export class SseParser {
  readonly #take: TakeEvent;
  readonly #bytesMax: number;
  /** The bytes of a line whose end has not come. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** The data of the event whose end has not come; null: none. */
  #data: string | null = null;
  #name = '';
  #first = true;
  /** The last chunk ended with CR: an LF at the beginning of the next one belongs to it. */
  #afterReturn = false;

  constructor(take: TakeEvent, bytesMax: number) {
    this.#take = take;
    this.#bytesMax = bytesMax;
  }

  /** @throws {SseEventTooLong} */
  push(chunk: Buffer): void {
    const start = this.#afterReturn && chunk[0] === lineFeed ? 1 : 0;
    if (chunk.length > start) this.#afterReturn = chunk[chunk.length - 1] === carriageReturn;
    else if (chunk.length > 0) this.#afterReturn = false;
    const end = Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1;
    if (end > start)
      this.#lines(this.#decode(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end)));
    const restStart = Math.max(start, end);
    if (restStart < chunk.length) this.#keep(restStart === 0 ? chunk : chunk.subarray(restStart));
  }

  /** The stream is over: its last event counts, too, where the empty line after it is missing. */
  end(): void {
    if (this.#restBytes > 0) this.#lines(this.#decode(Buffer.from('\n')));
    this.#emit();
  }

  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > this.#bytesMax) throw new SseEventTooLong();
    this.#rest.push(bytes);
  }

  /** The text of lines that are whole now, their ends made the same. */
  #decode(bytes: Buffer): string {
    let text: string;
    if (this.#restBytes === 0) text = bytes.toString();
    else {
      text = Buffer.concat([...this.#rest, bytes]).toString();
      this.#rest = [];
      this.#restBytes = 0;
    }
    if (this.#first) {
      this.#first = false;
      if (text.charCodeAt(0) === byteOrderMark) text = text.slice(1);
    }
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  }

  #lines(text: string): void {
    let from = 0;
    while (from < text.length) {
      const to = text.indexOf('\n', from);
      if (to === from) this.#emit();
      else this.#line(text, from, to);
      from = to + 1;
    }
  }

  #line(text: string, from: number, to: number): void {
    if (text.startsWith('data', from)) this.#addData(valueAt(text, from + 4, to));
    else if (text.startsWith('event', from)) this.#name = valueAt(text, from + 5, to) ?? this.#name;
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
    if (data !== null) this.#take(data, name);
  }
}

/** What stands behind the name of a field, which ends at `at`; null if that was only the beginning of its name. */
function valueAt(text: string, at: number, to: number): string | null {
  if (at === to) return '';
  if (text[at] !== ':') return null;
  return text.slice(text[at + 1] === ' ' ? at + 2 : at + 1, to);
}
