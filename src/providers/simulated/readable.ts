/** Formats JSON as lines for people. */
import { humanName } from './words.ts';

/** The most lines of one value; further lines are counted, not shown. */
const linesMax = 20;

/** The most characters of one scalar. */
const scalarMax = 300;

/**
 * Formats the output of a tool in lines: text as it is, an object as one `- name: value` per property, a list as one
 * `- value` per element. Nested values are in one line: `2 desk lamp; 1 kettle`.
 */
export function toReadableLines(output: string): string[] {
  const value = parse(output);
  if (Array.isArray(value)) return value.length === 0 ? ['nothing'] : bounded(value.map((one) => `- ${inline(one)}`));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => !isEmpty(one));
    return bounded(entries.map(([name, one]) => `- ${humanName(name)}: ${inline(one)}`));
  }
  return [inline(value)];
}

/** Only objects and lists are parsed: "1001" and "true" stay the text they were. */
function parse(output: string): unknown {
  if (!/^\s*[[{]/.test(output)) return output.trim();
  try {
    return JSON.parse(output);
  } catch {
    return output.trim();
  }
}

const isEmpty = (value: unknown) =>
  value === null || value === '' || value === undefined || (Array.isArray(value) && value.length === 0);

function bounded(lines: string[]): string[] {
  if (lines.length <= linesMax) return lines;
  return [...lines.slice(0, linesMax), `- and ${lines.length - linesMax} more`];
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return value.map(inline).join('; ') || 'none';
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => !isEmpty(one));
    return entries.map(([name, one]) => `${humanName(name)} ${inline(one)}`).join(', ');
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const text = String(value);
  return text.length > scalarMax ? `${text.slice(0, scalarMax)}…` : text;
}
