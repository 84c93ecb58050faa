/** Which piece of a text fills a string: by the parameter's name, description, format and pattern. */
import { matches } from './pattern.ts';
import type { Shape } from './schema.ts';
import {
  type Found,
  findAfterPreposition,
  findDestination,
  findFormat,
  findNamed,
  findNear,
  findProperNames,
  findQuoted,
  findReason,
  findWithDigit,
  tokensIn,
  whole,
} from './text-values.ts';
import { wordsOf } from './words.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const identifiers = words(`id ids number no code ref reference sku key ticket tracking order invoice account isbn zip
  postcode phone iban uuid version`);
const freeTexts = words(`query question text message input prompt topic content body note notes comment comments
  description subject summary task instructions search request title q`);
const reasons = words('reason cause why explanation justification');
const places = words('address destination recipient');

/** The longest token that a pattern is tried on. */
const patternTokenMax = 64;

/** How boldly a text is read. */
export type How = {
  /** Only what is certain: what has the format or pattern, or stands near the parameter's name. */
  strict?: boolean;
  /** The text replies to a question, so all of it may be the value. */
  isReply?: boolean;
};

/** What a string is, as far as its name tells. */
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

/** Whether the parameter takes a sentence in the user's own words, which another message's words must not fill. */
export const takesProse = (name: string, shape: Shape): boolean =>
  ['reason', 'free-text', 'address'].includes(kindOf(name, shape));

/**
 * The pieces of `text` that may fill the parameter, the likeliest first.
 *
 * @param text the message with its blanks collapsed
 */
export function findString(name: string, shape: Shape, text: string, how: How = {}): Found[] {
  return candidates(name, shape, text, how).filter((found) => accepts(shape, found.text));
}

function candidates(name: string, shape: Shape, text: string, { strict, isReply }: How): Found[] {
  if (shape.format) return findFormat(text, shape.format);
  const kind = kindOf(name, shape);
  if (strict) return [...findNear(text, name), ...matchingPattern(shape, text), ...findNamed(text, name)];
  switch (kind) {
    case 'reason':
      return findReason(text);
    case 'free-text':
      return [...findQuoted(text), ...whole(text)];
    case 'address':
      return [...findQuoted(text), ...findDestination(text)];
    case 'identifier':
      return [...findNear(text, name), ...matchingPattern(shape, text), ...findWithDigit(text)];
    case 'name':
      return [
        ...findQuoted(text),
        ...matchingPattern(shape, text),
        ...findNamed(text, name),
        ...findProperNames(text),
        ...findAfterPreposition(text),
        ...(isReply ? whole(text) : []),
      ];
  }
}

/** Tokens of the pattern, unless it takes any word. */
function matchingPattern(shape: Shape, text: string): Found[] {
  if (!shape.pattern || accepts(shape, 'please')) return [];
  return tokensIn(text).filter((token) => token.text.length <= patternTokenMax && accepts(shape, token.text));
}

function accepts(shape: Shape, text: string): boolean {
  if (text.length < (shape.minLength ?? 1) || text.length > (shape.maxLength ?? Number.POSITIVE_INFINITY)) return false;
  return shape.pattern === undefined || matches(shape.pattern, text);
}
