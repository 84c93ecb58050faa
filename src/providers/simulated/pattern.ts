/**
 * A text that has a given regular expression: literals, classes, groups, alternatives and repetitions, each taken the
 * shortest way. Patterns with more (look-around, back references) are beyond it.
 */
/** A repetition is spelt out at most this often. */
const repeatsMax = 200;

type Reader = { source: string; at: number };

class Beyond extends Error {}

/** A text with the pattern; undefined when the pattern is beyond it. */
export function sampleOf(pattern: string): string | undefined {
  try {
    const sample = alternatives({ source: pattern, at: 0 });
    return matches(pattern, sample) ? sample : undefined;
  } catch (error) {
    if (error instanceof Beyond) return undefined;
    throw error;
  }
}

/** The first alternative; the others are read and dropped. */
function alternatives(reader: Reader): string {
  const first = sequence(reader);
  while (peek(reader) === '|') {
    reader.at++;
    sequence(reader);
  }
  return first;
}

function sequence(reader: Reader): string {
  let text = '';
  while (reader.at < reader.source.length && peek(reader) !== '|' && peek(reader) !== ')') {
    const one = atom(reader);
    text += one.repeat(repeats(reader));
  }
  return text;
}

const peek = (reader: Reader) => reader.source[reader.at];
const next = (reader: Reader) => reader.source[reader.at++] ?? '';

function atom(reader: Reader): string {
  const char = next(reader);
  if (char === '^' || char === '$') return '';
  if (char === '.') return 'a';
  if (char === '[') return characterClass(reader);
  if (char === '(') return group(reader);
  return char === '\\' ? escaped(next(reader)) : char;
}

function group(reader: Reader): string {
  const kind = /^\?(?::|<[A-Za-z_]\w*>)/.exec(reader.source.slice(reader.at));
  if (kind) reader.at += kind[0].length;
  else if (peek(reader) === '?') throw new Beyond('look-around');
  const text = alternatives(reader);
  reader.at++; // the closing parenthesis
  return text;
}

function escaped(char: string): string {
  const known: Record<string, string> = {
    d: '1',
    w: 'a',
    s: ' ',
    D: 'a',
    W: '-',
    S: 'a',
    b: '',
    B: '',
    n: '\n',
    t: '\t',
  };
  if (/[1-9kpPux]/.test(char)) throw new Beyond(`\\${char}`);
  return known[char] ?? char;
}

/** The first member of a class; of a negated one, a character that is not among the usual ones named. */
function characterClass(reader: Reader): string {
  const end = closing(reader);
  const body = reader.source.slice(reader.at, end);
  reader.at = end + 1;
  const members = body.startsWith('^') ? ['a', '1', ' ', '-', '_', 'Z'] : [firstMember(body), 'a', '1', 'A'];
  const found = members.find((member) => matches(`^[${body}]$`, member));
  if (found === undefined) throw new Beyond(`[${body}]`);
  return found;
}

const firstMember = (body: string) => (body[0] === '\\' ? escaped(body[1] ?? '') : (body[0] ?? ''));

function closing(reader: Reader): number {
  for (let at = reader.at; at < reader.source.length; at++) {
    if (reader.source[at] === '\\') at++;
    else if (reader.source[at] === ']') return at;
  }
  throw new Beyond('an open class');
}

/** How often the atom before has to stand, at the least. */
function repeats(reader: Reader): number {
  const found = /^(?:([*+?])|\{(\d+)(?:,\d*)?\})\??/.exec(reader.source.slice(reader.at));
  if (!found) return 1;
  reader.at += found[0].length;
  if (found[1]) return found[1] === '+' ? 1 : 0;
  const count = Number(found[2]);
  if (count > repeatsMax) throw new Beyond(`${count} repetitions`);
  return count;
}

/** Whether the text has the pattern; a pattern that JavaScript cannot read is had by all (the tool will check). */
export function matches(pattern: string, text: string): boolean {
  return (compiled(pattern, 'u') ?? compiled(pattern, ''))?.test(text) ?? true;
}

function compiled(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}
