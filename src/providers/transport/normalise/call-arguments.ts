import { isRecord } from '../../../platform/is-record.ts';
import { haveSameValue, parsedOf } from './json-text.ts';

const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;

/** How many times arguments may be encoded: as JSON, and that again as a text in JSON, and once more. */
const encodingsMax = 3;
/** The most characters of arguments in which a repetition is looked for while they arrive. */
const comparedCharsMax = 10_000;

/** The JSON of an object that a text is, or encodes; null if it is none. Nothing and `null` are no arguments: `{}`. */
function objectText(text: string): string | null {
  let inner: unknown = text;
  for (let encodings = 0; encodings < encodingsMax && typeof inner === 'string'; encodings += 1) {
    if (inner.trim() === '') return '{}';
    const parsed = parsedOf(inner);
    if (isRecord(parsed)) return inner;
    inner = parsed;
  }
  return inner === null ? '{}' : null;
}

/** Whether a fragment says nothing by itself: servers send it before the arguments. */
function isPlaceholder(fragment: string): boolean {
  const text = fragment.trim();
  return text === '' || text === 'null' || text === '""' || /^\{\s*\}$/.test(text);
}

/** Whether a fragment is long enough to have all of the arguments so far in it; written with fewer spaces, too. */
const canHave = (fragment: string, text: string): boolean => text !== '' && fragment.length * 4 >= text.length;

/** Whether a fragment is the arguments so far, sent again. */
const isSame = (fragment: string, text: string): boolean =>
  canHave(fragment, text) && isRecord(parsedOf(fragment)) && haveSameValue(fragment, text);

/** What fragments are if some of them repeat all that came before. */
function cumulated(fragments: readonly string[]): string {
  let text = '';
  for (const fragment of fragments) {
    if (canHave(fragment, text) && fragment.startsWith(text)) text = fragment;
    else if (!isSame(fragment, text)) text += fragment;
  }
  return text;
}

/**
 * The arguments of a call from the fragments in which they came: their concatenation wherever that is the JSON of an
 * object. Else: without an empty object or `null` before them, without what was sent again, decoded if they were encoded
 * twice, and `{}` for none. If none of these is the JSON of an object: the concatenation as it is.
 */
export function resolveArguments(fragments: readonly string[]): string {
  const joined = fragments.join('');
  const meant = objectText(joined);
  if (meant !== null) return meant;
  const first = fragments.findIndex((fragment) => !isPlaceholder(fragment));
  if (first === -1) return '{}';
  const said = fragments.slice(first);
  return objectText(said.join('')) ?? objectText(cumulated(said)) ?? joined;
}

/**
 * The arguments of one call while they arrive. Fragments are passed on until one is suspicious; from there on they are held
 * back until all are known.
 */
export class CallArguments {
  readonly #fragments: string[] = [];
  #length = 0;
  /** Whether anything but blanks has come. */
  #hasBegun = false;
  /** How many fragments were passed on before one was held back; null if none is. */
  #passed: number | null = null;
  /** Where the search for the end of the JSON is: see `isComplete`. */
  #scanned = 0;
  #depth = 0;
  #inText = false;
  #isEscaped = false;

  /** Whether nothing, or blanks, is all that came. */
  isBlank(): boolean {
    return !this.#hasBegun;
  }

  /** Adds a fragment. False if it is held back. */
  add(fragment: string): boolean {
    if (fragment === '') return true;
    if (this.#passed === null && this.#isSuspicious(fragment)) this.#passed = this.#fragments.length;
    this.#fragments.push(fragment);
    this.#length += fragment.length;
    this.#hasBegun ||= fragment.trim() !== '';
    return this.#passed === null;
  }

  /** Whether all brackets and quotes are closed, so that nothing can follow. Looks at each character once. */
  isComplete(): boolean {
    for (; this.#scanned < this.#fragments.length; this.#scanned += 1) {
      const fragment = this.#fragments[this.#scanned] as string;
      for (let at = 0; at < fragment.length; at += 1) this.#scan(fragment.charCodeAt(at));
    }
    return this.#hasBegun && !this.#inText && this.#depth <= 0;
  }

  /** Whether a fragment can be more of these arguments, or the same again, although they are complete. */
  canRepeat(fragment: string): boolean {
    if (this.#length > comparedCharsMax || isPlaceholder(fragment)) return true;
    if (this.#fragments.every(isPlaceholder)) return true;
    const text = this.#fragments.join('');
    return text.startsWith(fragment) || fragment.startsWith(text) || isSame(fragment, text);
  }

  /** What has still to be passed on, now that all is known; empty if nothing is left. */
  rest(): string {
    if (this.#passed === null) return this.#hasBegun ? '' : '{}';
    const passed = this.#fragments.slice(0, this.#passed).join('');
    const meant = resolveArguments(this.#fragments);
    if (meant.startsWith(passed)) return meant.slice(passed.length);
    // The SDK removes an empty object that stands before the arguments.
    return passed === '{}' ? meant : this.#fragments.slice(this.#passed).join('');
  }

  #isSuspicious(fragment: string): boolean {
    const code = fragment.charCodeAt(0);
    const begins = code === openingBrace || (code <= space && fragment.trimStart().startsWith('{'));
    if (!this.#hasBegun) return !begins && fragment.trim() !== '';
    if (!begins) return false;
    return this.isComplete() || (fragment.length >= this.#length && fragment.startsWith(this.#fragments.join('')));
  }

  #scan(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inText) {
      if (code === backslash) this.#isEscaped = true;
      else if (code === quote) this.#inText = false;
    } else if (code === quote) this.#inText = true;
    else if (code === openingBrace || code === openingBracket) this.#depth += 1;
    else if (code === closingBrace || code === closingBracket) this.#depth -= 1;
  }
}
