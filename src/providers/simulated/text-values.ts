/**
 * Finds values in a text: the number after "order", an e-mail address, the words after "because". Each function returns
 * spans in order of preference, with their positions, so that one span fills one argument only.
 */
import { meaningfulStems, stem, wordsOf } from './words.ts';

/** A span of a text; `end` is the index after its last character. */
export type TextSpan = { text: string; start: number; end: number };

/** The most characters of a message that are searched for values. */
const scannedMax = 4_000;

/** The most words between a name and its id after it: "order", "order number", "order with the number". */
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

/** The spans with a JSON Schema format; none for an unknown format. */
export const findFormat = (text: string, format: string): TextSpan[] =>
  formats[format] ? findAll(text, formats[format]) : [];

/** Words and ids, without the punctuation around them. */
export const tokensIn = (text: string): TextSpan[] => findAll(text, /[\p{L}\p{N}](?:[^\s,;:!?()"“”#]*[\p{L}\p{N}])?/gu);

/** Tokens with a digit near one of the words of the name, the nearest first: "order 1001", "order no. 1001". */
export function findNear(text: string, name: string): TextSpan[] {
  const nameStems = meaningfulStems(name);
  const tokens = tokensIn(text);
  const near = tokens.flatMap((token, index) => {
    if (!/\d/.test(token.text)) return [];
    const distances = tokens
      .map((other, at) => ({ steps: index - at, isName: nameStems.has(stem(other.text)) }))
      .filter(({ steps, isName }) => isName && steps <= nearAfterMax && steps >= -nearBeforeMax && steps !== 0)
      .map(({ steps }) => (steps > 0 ? steps : nearAfterMax - steps)); // a name before the id is likelier than one after it
    return distances.length > 0 ? [{ token, distance: Math.min(...distances) }] : [];
  });
  return near.sort((a, b) => a.distance - b.distance).map(({ token }) => token);
}

/** All tokens with a digit: numbers, dates, ids. */
export const findWithDigit = (text: string): TextSpan[] => tokensIn(text).filter((token) => /\d/.test(token.text));

/** Numbers, also inside other text ("12*7", "$9.50"). */
export const findNumbers = (text: string): TextSpan[] =>
  findAll(text, /(?<![\p{L}\d.-])-?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*/gu);

/** Parses a number as people write it, both "1,200.50" and "12,50". NaN for any other text. */
export function parseNumber(text: string): number {
  const grouped = /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text);
  return Number(grouped ? text.replaceAll(',', '') : text.replace(',', '.'));
}

/** The spans in quotation marks. */
export const findQuoted = (text: string): TextSpan[] => findAll(text, /["“«]([^"”»]{1,500})["”»]/g);

/**
 * The reason of a request: the words after "because", a comma or a full stop, else the whole text. As all prose, it has
 * an empty span, so that its parts can still fill other arguments.
 */
export function findReason(text: string): TextSpan[] {
  const spoken = findAll(text, /(?<=\b(?:because|since|as it|reason is|reason:)\s+)[^.!?]+/gi);
  const clause = findAll(text, /(?<=[\p{L}\p{N}][,.:;]\s+)[^.!?]{3,}/gu);
  return [...spoken, ...clause].map((span) => ({ ...trimmed(span), start: 0, end: 0 })).concat(wholeText(text));
}

/** A destination: the words after the last "to" or "at", up to the end of the sentence. */
export const findDestination = (text: string): TextSpan[] =>
  findAll(text, /(?<=\b(?:to|at|address is|address:)\s+)(?:(?!\s(?:to|at)\s)[^?!]){5,}/gi)
    .map((span) => trimmed(cutAt(span, /,?\s+please\b/i)))
    .filter((span) => /\d|\p{Lu}/u.test(span.text))
    .reverse();

/** The word after the name itself: "city: Paris", "language is French", "colour red". */
export function findNamed(text: string, name: string): TextSpan[] {
  const last = (wordsOf(name).at(-1) ?? '').replace(/[^\p{L}\p{N}]/gu, '');
  const pattern = new RegExp(`(?<=\\b${last}\\s*(?:is|=|:|named|called)?\\s*\\b)[\\p{L}\\p{N}_-]+`, 'giu');
  return last
    ? findAll(text, pattern).filter((span) => /\d/.test(span.text) || meaningfulStems(span.text).size > 0)
    : [];
}

/** Names of places, people and things: capitalised words, those after a preposition first; never a sentence's first word. */
export function findProperNames(text: string): TextSpan[] {
  const run = String.raw`\p{Lu}[\p{L}\p{N}'’-]*(?:\s+\p{Lu}[\p{L}\p{N}'’-]*)*`;
  const afterPreposition = findAll(text, new RegExp(`(?<=\\b(?:in|for|to|at|from|of|about|with|on)\\s+)${run}`, 'gu'));
  const inside = findAll(text, new RegExp(`(?<=[\\p{L}\\p{N},]\\s+)${run}`, 'gu')).filter(({ text: it }) => it !== 'I');
  return [...afterPreposition, ...inside];
}

/** Up to three words after a preposition: "in new york", "with tomatoes". */
export const findAfterPreposition = (text: string): TextSpan[] =>
  findAll(
    text,
    /(?<=\b(?:in|for|about|with|of|on|from|into)\s+(?:the\s+|a\s+|an\s+|my\s+)?)[\p{L}\p{N}-]+(?:\s+[\p{L}\p{N}-]+){0,2}/giu,
  )
    .map((span) => cutAt(span, /\s+(?:and|or|today|tomorrow|now|please|in|for|with|on|to|is|are)\b/i))
    .filter((span) => meaningfulStems(span.text).size > 0);

/** The whole text, with an empty span, so that its parts can still fill other arguments. */
export const wholeText = (text: string): TextSpan[] => (text.trim() ? [{ text: text.trim(), start: 0, end: 0 }] : []);

/** All matches of the pattern, or the first group of each match if the pattern has one. */
function findAll(text: string, pattern: RegExp): TextSpan[] {
  return [...text.slice(0, scannedMax).matchAll(pattern)].map((match) => {
    const value = match[1] ?? match[0];
    const start = match.index + match[0].indexOf(value);
    return { text: value, start, end: start + value.length };
  });
}

/** Removes punctuation and whitespace at the end. */
const trimmed = (span: TextSpan): TextSpan => ({ ...span, text: span.text.trim().replace(/[\s.,;:]+$/, '') });

function cutAt(span: TextSpan, pattern: RegExp): TextSpan {
  const text = span.text.split(pattern, 1)[0] ?? '';
  return { ...span, text, end: span.start + text.length };
}
