/**
 * Generates a text that matches a regular expression: literals, classes, groups, alternatives and repetitions, each in the
 * shortest way. Other constructs (look-around, back references) are not supported.
 */
/** The most repetitions that are generated. */
const repeatsMax = 200;

type Reader = { source: string; at: number };

class UnsupportedPattern extends Error {}

/** Generates a text that matches the pattern; undefined if the pattern is not supported. */
export function sampleFromPattern(pattern: string): string | undefined {
  try {
    const sample = alternatives({ source: pattern, at: 0 });
    return matchesPattern(pattern, sample) ? sample : undefined;
  } catch (error) {
    if (error instanceof UnsupportedPattern) return undefined;
    throw error;
  }
}

/** The text of the first alternative; the others are parsed and dropped. */
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
  else if (peek(reader) === '?') throw new UnsupportedPattern('look-around');
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
  if (/[1-9kpPux]/.test(char)) throw new UnsupportedPattern(`\\${char}`);
  return known[char] ?? char;
}

/** The first member of a class; for a negated class, the first usual character that is not excluded. */
function characterClass(reader: Reader): string {
  const end = closing(reader);
  const body = reader.source.slice(reader.at, end);
  reader.at = end + 1;
  const members = body.startsWith('^') ? ['a', '1', ' ', '-', '_', 'Z'] : [firstMember(body), 'a', '1', 'A'];
  const found = members.find((member) => matchesPattern(`^[${body}]$`, member));
  if (found === undefined) throw new UnsupportedPattern(`[${body}]`);
  return found;
}

const firstMember = (body: string) => (body[0] === '\\' ? escaped(body[1] ?? '') : (body[0] ?? ''));

function closing(reader: Reader): number {
  for (let at = reader.at; at < reader.source.length; at++) {
    if (reader.source[at] === '\\') at++;
    else if (reader.source[at] === ']') return at;
  }
  throw new UnsupportedPattern('an open class');
}

/** The minimum repetitions of the previous atom. */
function repeats(reader: Reader): number {
  const found = /^(?:([*+?])|\{(\d+)(?:,\d*)?\})\??/.exec(reader.source.slice(reader.at));
  if (!found) return 1;
  reader.at += found[0].length;
  if (found[1]) return found[1] === '+' ? 1 : 0;
  const count = Number(found[2]);
  if (count > repeatsMax) throw new UnsupportedPattern(`${count} repetitions`);
  return count;
}

/** Whether the text matches the pattern. A pattern that JavaScript cannot compile matches all: the tool will check. */
export function matchesPattern(pattern: string, text: string): boolean {
  return (compiled(pattern, 'u') ?? compiled(pattern, ''))?.test(text) ?? true;
}

function compiled(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}
