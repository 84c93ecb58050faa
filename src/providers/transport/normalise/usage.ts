import { isRecord } from './json-text.ts';

/** The most tokens that one answer can plausibly have used; a greater number is a mistake of the server. */
const tokensMax = 1_000_000_000;

/** A count of tokens as a whole number: fractions are rounded up, texts are read. What is no count is undefined. */
function toCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof count !== 'number' || !(count >= 0 && count <= tokensMax)) return undefined;
  return Math.ceil(count);
}

const isClean = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= tokensMax;

type Counts = Record<string, unknown>;

/** How deep details may stand in details. */
const depthMax = 3;

/** Mends the counts of an object in place: those that are no counts are removed, details within it are mended alike. */
function mendCounts(counts: Counts, depth = 0): void {
  for (const key in counts) {
    const value = counts[key];
    if (isClean(value)) continue;
    if (key.endsWith('_details')) {
      if (isRecord(value) && depth < depthMax) mendCounts(value, depth + 1);
      else delete counts[key];
    } else if (key.endsWith('_tokens')) {
      const count = toCount(value);
      if (count === undefined) delete counts[key];
      else counts[key] = count;
    }
  }
}

/**
 * The usage of an answer with counts that are whole numbers of tokens, mended in place. Null for a usage that has none:
 * then it counts as not reported. Other fields, such as a price, stay as they are.
 *
 * @param names the names of the API for the tokens of the input, of the output, and their sum
 * @param before the usage that the same answer reported before, for counts that are not in this one
 */
export function normaliseUsage(
  usage: unknown,
  names: readonly [string, string, string],
  before: Counts | null = null,
): Counts | null {
  if (!isRecord(usage)) return null;
  mendCounts(usage);
  const [input, output, total] = names;
  if (usage[input] === undefined && usage[output] === undefined && usage[total] === undefined) return null;
  usage[input] ??= before?.[input] ?? 0;
  usage[output] ??= before?.[output] ?? 0;
  const sum = (usage[input] as number) + (usage[output] as number);
  if (usage[total] === undefined || (usage[total] as number) < sum) usage[total] = sum;
  return usage;
}

/** The names of Chat Completions. */
export const chatUsageNames = ['prompt_tokens', 'completion_tokens', 'total_tokens'] as const;
/** The names of Responses. */
export const responsesUsageNames = ['input_tokens', 'output_tokens', 'total_tokens'] as const;
