/**
 * Values that stand in a text: the number after "order", an e-mail address, what follows "because". Each finder gives
 * what it found in order of preference, with the place where it stands, so that one piece of text fills one argument.
 */
import { meaningOf, stem, wordsOf } from './words.ts';

/** A piece of a text; `end` is the index after its last character. */
export type Found = { text: string; start: number; end: number };

/** How many characters of a message are searched for values. */
const scannedMax = 4_000;

/** An id stands at most this many words after the word that announces it: "order", "order number", "order with the number". */
const nearAfterMax = 4;
const nearBeforeMax = 2;

const formats: Record<string, RegExp> = {
  email: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g,
  uri: /https?:\/\/[^\s"'<>)]+/g,
  url: /https?:\/\/[^\s"'<>)]+/g,
  uuid: /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi,
  'date-time': /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})/g,
  date: /\b\d{4}-\d{2}-\d{2}\b/g,
  time: /\b\d{2}:\d{2}(?::\d{2})?\b/g,
};

/** The pieces of the text that have a JSON Schema format; none for a format that is not known. */
export const findFormat = (text: string, format: string): Found[] =>
  formats[format] ? all(text, formats[format]) : [];

/** Words and ids, without the punctuation around them. */
export const tokensIn = (text: string): Found[] => all(text, /[\p{L}\p{N}](?:[^\s,;:!?()"“”#]*[\p{L}\p{N}])?/gu);

/** Tokens with a digit that stand near one of the name's words, the nearest first: "order 1001", "order no. 1001". */
export function findNear(text: string, name: string): Found[] {
  const announcing = meaningOf(name);
  const tokens = tokensIn(text);
  const near = tokens.flatMap((token, index) => {
    if (!/\d/.test(token.text)) return [];
    const distances = tokens
      .map((other, at) => ({ steps: index - at, announces: announcing.has(stem(other.text)) }))
      .filter(({ steps, announces }) => announces && steps <= nearAfterMax && steps >= -nearBeforeMax && steps !== 0)
      .map(({ steps }) => (steps > 0 ? steps : nearAfterMax - steps)); // before the id is likelier than behind it
    return distances.length > 0 ? [{ token, distance: Math.min(...distances) }] : [];
  });
  return near.sort((a, b) => a.distance - b.distance).map(({ token }) => token);
}

/** All tokens with a digit: numbers, dates, ids. */
export const findWithDigit = (text: string): Found[] => tokensIn(text).filter((token) => /\d/.test(token.text));

/** Numbers, also inside other text ("12*7", "$9.50"). */
export const findNumbers = (text: string): Found[] => all(text, /(?<![\p{L}\d.-])-?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*/gu);

/** The value of a number as people write it; "1,200.50" and "12,50" alike. NaN when it is none. */
export function parseNumber(text: string): number {
  const grouped = /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text);
  return Number(grouped ? text.replaceAll(',', '') : text.replace(',', '.'));
}

/** What stands in quotation marks. */
export const findQuoted = (text: string): Found[] => all(text, /["“«]([^"”»]{1,500})["”»]/g);

/**
 * What follows "because", a comma or a full stop: the reason given for a request; else the whole text. Like all prose
 * it takes no place, so its pieces can still fill other arguments.
 */
export function findReason(text: string): Found[] {
  const spoken = all(text, /(?<=\b(?:because|since|as it|reason is|reason:)\s+)[^.!?]+/gi);
  const clause = all(text, /(?<=[\p{L}\p{N}][,.:;]\s+)[^.!?]{3,}/gu);
  return [...spoken, ...clause].map((found) => ({ ...trimmed(found), start: 0, end: 0 })).concat(whole(text));
}

/** What follows the last "to" or "at", up to the end of the sentence: where something goes. */
export const findDestination = (text: string): Found[] =>
  all(text, /(?<=\b(?:to|at|address is|address:)\s+)(?:(?!\s(?:to|at)\s)[^?!]){5,}/gi)
    .map((found) => trimmed(cutAt(found, /,?\s+please\b/i)))
    .filter((found) => /\d|\p{Lu}/u.test(found.text))
    .reverse();

/** The word that follows the name itself: "city: Paris", "language is French", "colour red". */
export function findNamed(text: string, name: string): Found[] {
  const last = (wordsOf(name).at(-1) ?? '').replace(/[^\p{L}\p{N}]/gu, '');
  const pattern = new RegExp(`(?<=\\b${last}\\s*(?:is|=|:|named|called)?\\s*\\b)[\\p{L}\\p{N}_-]+`, 'giu');
  return last ? all(text, pattern).filter((found) => /\d/.test(found.text) || meaningOf(found.text).size > 0) : [];
}

/** Names of places, people and things: capitalised words, those after a preposition first; never a sentence's first word. */
export function findProperNames(text: string): Found[] {
  const run = String.raw`\p{Lu}[\p{L}\p{N}'’-]*(?:\s+\p{Lu}[\p{L}\p{N}'’-]*)*`;
  const afterPreposition = all(text, new RegExp(`(?<=\\b(?:in|for|to|at|from|of|about|with|on)\\s+)${run}`, 'gu'));
  const inside = all(text, new RegExp(`(?<=[\\p{L}\\p{N},]\\s+)${run}`, 'gu')).filter(({ text: it }) => it !== 'I');
  return [...afterPreposition, ...inside];
}

/** What follows a preposition: "in new york", "with tomatoes". Up to three words. */
export const findAfterPreposition = (text: string): Found[] =>
  all(
    text,
    /(?<=\b(?:in|for|about|with|of|on|from|into)\s+(?:the\s+|a\s+|an\s+|my\s+)?)[\p{L}\p{N}-]+(?:\s+[\p{L}\p{N}-]+){0,2}/giu,
  )
    .map((found) => cutAt(found, /\s+(?:and|or|today|tomorrow|now|please|in|for|with|on|to|is|are)\b/i))
    .filter((found) => meaningOf(found.text).size > 0);

/** The whole text; it takes no place, so its pieces can still fill other arguments. */
export const whole = (text: string): Found[] => (text.trim() ? [{ text: text.trim(), start: 0, end: 0 }] : []);

/** All that match, or the first group of each match where the pattern has one. */
function all(text: string, pattern: RegExp): Found[] {
  return [...text.slice(0, scannedMax).matchAll(pattern)].map((match) => {
    const found = match[1] ?? match[0];
    const start = match.index + match[0].indexOf(found);
    return { text: found, start, end: start + found.length };
  });
}

/** Without the punctuation and blanks at its end. */
const trimmed = (found: Found): Found => ({ ...found, text: found.text.trim().replace(/[\s.,;:]+$/, '') });

function cutAt(found: Found, pattern: RegExp): Found {
  const text = found.text.split(pattern, 1)[0] ?? '';
  return { ...found, text, end: found.start + text.length };
}
