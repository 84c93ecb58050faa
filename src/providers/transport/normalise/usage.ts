import { isRecord } from '../../../platform/is-record.ts';
import { toTokenCount } from '../../token-count.ts';

type Counts = Record<string, unknown>;

/** How deep details may stand in details. */
const depthMax = 3;

/** Mends the counts of an object in place: those that are no counts are removed, details within it are mended alike. */
function mendCounts(counts: Counts, depth = 0): void {
  for (const key in counts) {
    const value = counts[key];
    const count = toTokenCount(value);
    if (value !== undefined && value === count) continue;
    if (key.endsWith('_details')) {
      if (isRecord(value) && depth < depthMax) mendCounts(value, depth + 1);
      else delete counts[key];
    } else if (key.endsWith('_tokens')) {
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
