/**
 * Splits texts into words and stems for comparison, so that "deliveries" in a question matches "delivery" in the
 * description of a tool. English only; words of other languages match if they are spelt the same.
 */

const list = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/));

/** Words without meaning for the choice of a tool: grammar, courtesy, and words of every agent's description. */
const stopWords = list(
  `a about all also am an and any are as at be because been but by can could did do does doing for from had has have
  he her here him his how i if in into is it its just me more my no not of off on or our out over own she so some
  such than that the their them then there these they this those to too under until up us very was we were what which
  will with within without would you your
  hello hi hey dear good morning evening please thank thanks bye goodbye welcome yes ok okay sure sorry
  agent assistant customer user handoff handle handles hand transfer request requests question questions ask asks
  help helps support want wants need needs like let lets know say said thing things use uses using used
  able given makes make got going go don doesn didn isn wasn ll ve re
  tool tools information info data one two please`,
);

/** Words that many tools and questions share. They break ties, but do not make a match alone. */
const weakWords = list(
  `get gets find finds lookup look looks list lists show shows give gives tell tells fetch read search check checks
  see view retrieve return returns query where when why who number id name current new now`,
);

const vowel = /[aeiouy]/;

/** Longest first. One suffix is cut, and only if at least three letters with a vowel remain. */
const suffixes = 'ations ation ators ator ates ated ating ate ments ment ings ing ies ied ed es al ly s y e'.split(' ');

const irregular: Record<string, string> = { paid: 'pay', sent: 'send', bought: 'buy', found: 'find' };

/** The stem of a word: lower case, without the usual English suffixes. `deliveries`, `delivered`, `delivery` → `deliver`. */
export function stem(word: string): string {
  const lower = irregular[word.toLowerCase()] ?? word.toLowerCase();
  if (/(ss|us|is|eed)$/.test(lower)) return undouble(lower);
  for (const suffix of suffixes) {
    const rest = lower.slice(0, -suffix.length);
    if (lower.endsWith(suffix) && rest.length >= 3 && vowel.test(rest)) return undouble(rest);
  }
  return undouble(lower);
}

/** "shipping" and "cancelled" without their suffixes are `shipp` and `cancell`. */
const undouble = (word: string) => (word.length > 3 ? word.replace(/([b-df-hj-np-tv-z])\1$/, '$1') : word);

/** The words of a text or of a name in snake_case, kebab-case or camelCase, in lower case and in order. */
export function wordsOf(text: string): string[] {
  const spaced = text.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2');
  return spaced.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

const stopStems = new Set([...stopWords].map(stem));
const weakStems = new Set([...weakWords].map(stem));

/** Whether a stem may break a tie, but does not make a match alone. */
export const isWeakStem = (wordStem: string): boolean => weakStems.has(wordStem);

/** The distinct stems of the meaningful words, in order of appearance. Words with digits are values and excluded. */
export function meaningfulStems(text: string): Set<string> {
  const meaningful = wordsOf(text).filter((word) => word.length > 1 && !stopWords.has(word) && !/\p{N}/u.test(word));
  return new Set(meaningful.map(stem).filter((wordStem) => !stopStems.has(wordStem)));
}

const negations = list('no not don dont never without');

/** The most words between a word and its negation before it: "do not please cancel". */
const negationDistanceMax = 3;

/** Whether the word at an index is negated by one shortly before it: "don't cancel", "without gift wrap". */
export const isNegated = (words: readonly string[], at: number): boolean =>
  words.slice(Math.max(0, at - negationDistanceMax), at).some((word) => negations.has(word));

/** The name of a tool, an agent or a parameter in words: `track_shipment` → `track shipment`. */
export const humanName = (name: string): string => wordsOf(name).join(' ') || name;
