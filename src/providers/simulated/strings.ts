/** Finds the spans of a text that can fill a string parameter, by its name, format and pattern. */
import { matchesPattern } from './pattern.ts';
import type { Shape } from './schema.ts';
import {
  findAfterPreposition,
  findDestination,
  findFormat,
  findNamed,
  findNear,
  findProperNames,
  findQuoted,
  findReason,
  findWithDigit,
  type TextSpan,
  tokensIn,
  wholeText,
} from './text-values.ts';
import { wordsOf } from './words.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const identifiers = words(`id ids number no code ref reference sku key ticket tracking order invoice account isbn zip
  postcode phone iban uuid version`);
const freeTexts = words(`query question text message input prompt topic content body note notes comment comments
  description subject summary task instructions search request title q`);
const reasons = words('reason cause why explanation justification');
const places = words('address destination recipient');

/** The longest token that is matched against a pattern. */
const patternTokenMax = 64;

/** How a text is searched. */
export type SearchOptions = {
  /** Only certain values: spans with the format or pattern, or near the name of the parameter. */
  strict?: boolean;
  /** The text is a reply to a question, so that all of it may be the value. */
  isReply?: boolean;
};

/** The kind of a string parameter, by its name. */
type Kind = 'identifier' | 'reason' | 'free-text' | 'address' | 'name';

function kindOf(name: string, shape: Shape): Kind {
  const parts = wordsOf(name);
  const says = (list: ReadonlySet<string>) => parts.some((part) => list.has(part));
  if (says(places) && !shape.format) return 'address';
  if (says(reasons)) return 'reason';
  if (identifiers.has(parts.at(-1) ?? '') || shape.format === 'uuid') return 'identifier';
  if (says(freeTexts)) return 'free-text';
  return identifiers.has(parts[0] ?? '') ? 'identifier' : 'name';
}

/** Whether the parameter takes a sentence of the user, which must not be filled from another message. */
export const takesProse = (name: string, shape: Shape): boolean =>
  ['reason', 'free-text', 'address'].includes(kindOf(name, shape));

/**
 * The spans of `text` that can fill the parameter, the likeliest first.
 *
 * @param text the message with whitespace collapsed
 */
export function findString(name: string, shape: Shape, text: string, options: SearchOptions = {}): TextSpan[] {
  return candidates(name, shape, text, options).filter((found) => accepts(shape, found.text));
}

function candidates(name: string, shape: Shape, text: string, { strict, isReply }: SearchOptions): TextSpan[] {
  if (shape.format) return findFormat(text, shape.format);
  const kind = kindOf(name, shape);
  if (strict) return [...findNear(text, name), ...findByPattern(shape, text), ...findNamed(text, name)];
  switch (kind) {
    case 'reason':
      return findReason(text);
    case 'free-text':
      return [...findQuoted(text), ...wholeText(text)];
    case 'address':
      return [...findQuoted(text), ...findDestination(text)];
    case 'identifier':
      return [...findNear(text, name), ...findByPattern(shape, text), ...findWithDigit(text)];
    case 'name':
      return [
        ...findQuoted(text),
        ...findByPattern(shape, text),
        ...findNamed(text, name),
        ...findProperNames(text),
        ...findAfterPreposition(text),
        ...(isReply ? wholeText(text) : []),
      ];
  }
}

/** The tokens that match the pattern, unless any word matches it. */
function findByPattern(shape: Shape, text: string): TextSpan[] {
  if (!shape.pattern || accepts(shape, 'please')) return [];
  return tokensIn(text).filter((token) => token.text.length <= patternTokenMax && accepts(shape, token.text));
}

function accepts(shape: Shape, text: string): boolean {
  if (text.length < (shape.minLength ?? 1) || text.length > (shape.maxLength ?? Number.POSITIVE_INFINITY)) return false;
  return shape.pattern === undefined || matchesPattern(shape.pattern, text);
}
