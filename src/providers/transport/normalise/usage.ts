import { isRecord } from '../../../platform/is-record.ts';
import { toTokenCount } from '../../token-count.ts';

type Counts = Record<string, unknown>;

/** The names of the counts in the usage of an API. */
export type UsageNames = { input: string; output: string; inputDetails: string; outputDetails: string };

/** The names of Chat Completions. */
export const chatUsageNames: UsageNames = {
  input: 'prompt_tokens',
  output: 'completion_tokens',
  inputDetails: 'prompt_tokens_details',
  outputDetails: 'completion_tokens_details',
};
/** The names of Responses. */
export const responsesUsageNames: UsageNames = {
  input: 'input_tokens',
  output: 'output_tokens',
  inputDetails: 'input_tokens_details',
  outputDetails: 'output_tokens_details',
};

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

/** Where servers tell how many tokens of the input came from a cache, if not in the details. */
const cachedNames = ['prompt_cache_hit_tokens', 'cached_tokens', 'num_cached_tokens', 'cache_read_input_tokens'];

/** Moves counts from the names of the other API, and of other servers, to those of the API. */
function rename(usage: Counts, names: UsageNames): void {
  const others = names === chatUsageNames ? responsesUsageNames : chatUsageNames;
  for (const name of ['input', 'output', 'inputDetails', 'outputDetails'] as const) {
    if (usage[names[name]] === undefined && usage[others[name]] !== undefined) usage[names[name]] = usage[others[name]];
  }
  if (usage[names.inputDetails] !== undefined) return;
  const cached = cachedNames.map((name) => usage[name]).find((count) => typeof count === 'number');
  if (cached === undefined) return;
  usage[names.inputDetails] = { cached_tokens: Math.min(cached as number, (usage[names.input] ?? 0) as number) };
}

/**
 * The usage of an answer with counts that are whole numbers of tokens, mended in place. Null for a usage that has none:
 * then it counts as not reported. Other fields, such as a price, stay as they are.
 *
 * @param names the names of the API
 * @param before the usage that the same answer reported before, for counts that are not in this one, or zero
 */
export function normaliseUsage(usage: unknown, names: UsageNames, before: Counts | null = null): Counts | null {
  if (!isRecord(usage)) return null;
  mendCounts(usage);
  rename(usage, names);
  const { input, output } = names;
  if (usage[input] === undefined && usage[output] === undefined && usage.total_tokens === undefined) return null;
  for (const name of [input, output]) if (!usage[name]) usage[name] = before?.[name] ?? 0;
  if (before !== null) {
    for (const name of [names.inputDetails, names.outputDetails]) usage[name] ??= before[name];
  }
  const sum = (usage[input] as number) + (usage[output] as number);
  if (usage.total_tokens === undefined || (usage.total_tokens as number) < sum) usage.total_tokens = sum;
  return usage;
}

/** Where the usage of a chat completion, or of a chunk of one, stands: beside its choices, in one of them, or at Groq. */
export function usageIn({ usage, x_groq: groq, choices }: Counts): unknown {
  if (usage !== undefined && usage !== null) return usage;
  if (isRecord(groq) && groq.usage) return groq.usage;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  return isRecord(first) ? first.usage : undefined;
}
