/** What a tool without parameters is called with. */
const noArguments = '{}';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value of a JSON text; undefined if it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObjectText = (text: string): boolean => text.trimStart().startsWith('{') && isObject(parsed(text));

/** Null for a text that means no arguments, the object's text for one that is encoded twice, else the text as it is. */
function decoded(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'null' || trimmed === '""') return null;
  if (!trimmed.startsWith('"')) return text;
  const inner = parsed(trimmed);
  if (typeof inner !== 'string') return text;
  if (inner.trim() === '' || inner.trim() === 'null') return null;
  return isObjectText(inner) ? inner : text;
}

/**
 * The arguments of a tool call in one piece, as the SDK reads them: a JSON text. An object is encoded, a text that is
 * encoded twice is decoded once; null, nothing, an empty text and the text `null` are `{}`. A text that is no JSON object
 * stays as it is: the model is told of it.
 */
export function argumentsText(value: unknown): string {
  if (value === undefined || value === null) return noArguments;
  if (typeof value !== 'string') return JSON.stringify(value);
  return decoded(value) ?? noArguments;
}

/** Whether each fragment begins with the one before it: the server repeats what it has sent. */
const isCumulative = (fragments: readonly string[]): boolean =>
  fragments.every((fragment, index) => index === 0 || fragment.startsWith(fragments[index - 1] as string));

/** The arguments of fragments that make no JSON object when they are joined; null if none of the known ways fits. */
function unjoined(fragments: readonly string[], joined: string): string | null {
  const last = fragments.at(-1) as string;
  if (!isObjectText(last)) return null;
  const before = joined.slice(0, -last.length);
  const wasSentBefore = before === last || decoded(before) === null || before.trim() === noArguments;
  return wasSentBefore || isCumulative(fragments) ? last : null;
}

/**
 * The arguments of a tool call that arrive in fragments, as the SDK reads them. In this order:
 *
 * 1. fragments that make a JSON object when they are joined: that text, unchanged;
 * 2. a placeholder first, `{}` or `null`, and then the arguments: the arguments;
 * 3. the arguments, and then the whole of them again at the end: the arguments;
 * 4. the arguments so far in each fragment: the last fragment;
 * 5. no fragments, empty ones, `null`: `{}`; a text that is encoded twice: decoded once;
 * 6. anything else: the fragments as they are, joined. The model is told that they are no JSON object.
 */
export function resolveArguments(fragments: readonly string[]): string {
  const joined = fragments.join('');
  if (isObjectText(joined)) return joined;
  const text = decoded(joined);
  if (text === null) return noArguments;
  if (text !== joined) return text;
  const filled = fragments.filter((fragment) => fragment !== '');
  const last = unjoined(filled, joined);
  if (last !== null) return last;
  return withoutPlaceholder(joined);
}

/** A placeholder that is not the whole of a fragment, or that the arguments follow in several fragments. */
function withoutPlaceholder(joined: string): string {
  const rest = /^\s*(?:\{\}|null)(\{[\s\S]*)$/.exec(joined)?.[1];
  return rest !== undefined && isObjectText(rest) ? rest : twice(joined);
}

/** The first half of a text whose halves are the same object: the arguments came in fragments, and then in others again. */
function twice(joined: string): string {
  const half = joined.slice(0, joined.length / 2);
  return joined === half + half && isObjectText(half) ? half : joined;
}
