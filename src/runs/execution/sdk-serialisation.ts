import { AsyncLocalStorage } from 'node:async_hooks';
import { createHmac, randomBytes } from 'node:crypto';
import { getLogger } from '@openai/agents';
import type { Replacer } from '../../platform/json-slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { type RunScope, runScope } from './run-scope.ts';

/** What the SDK makes of a result that is known already; `clone` is what a `customDataExtractor` receives. */
export type KnownResult = { text: string; clone: unknown };

/** From this length on a string is not written into the keys of items, in characters. */
const longCharsMin = 65_536;

// Names of functions in the SDK's modules, which are not exported. In a release that calls them otherwise, large results
// take longer, and nothing else changes.
const textReplacer = 'smartStringReplacer';
const keyReplacer = 'agentInputSerializationReplacer';

const known = new WeakMap<object, KnownResult>();
/** The result whose text the SDK has just asked for: within the same microtask it clones it. */
let asked: unknown = null;

/** Has the SDK use this text of a result, and this clone, in place of making them in one go, the text several times. */
export function knowResult(result: object, made: KnownResult): void {
  known.set(result, made);
}

function knownText(result: object): string | undefined {
  const text = known.get(result)?.text;
  if (text === undefined) return undefined;
  asked = result;
  queueMicrotask(() => {
    asked = null;
  });
  return text;
}

/** The scope of the tool whose own code the SDK has just called. */
const invoked = new AsyncLocalStorage<RunScope | undefined>();
const sdkLog = getLogger('openai-agents:core') as { debug: { enabled?: boolean } };

/**
 * Invokes a tool without the text of a large result that the SDK makes for its log, before the result is recorded.
 * Nothing but the SDK's debug log reads it.
 */
export const invokeWithoutText = <T>(invoke: () => T): T => invoked.run(runScope.getStore(), invoke);

/** The opposite, within the code of a tool. */
export const withTexts = <T>(work: () => T): T => invoked.run(undefined, work);

/** Whether a text is for the SDK's log alone, and that is off. */
function isUnread(result: object): boolean {
  const scope = invoked.getStore();
  return scope !== undefined && scope === runScope.getStore() && !sdkLog.debug.enabled && isHeavy(result);
}

const secret = randomBytes(32);
/** The tokens of strings that were met in this turn of the event loop. */
const tokens = new Map<string, string>();

/** Stands for a long string in the key of an item: the same for the same string, and nobody else can make one up. */
function tokenOf(text: string): string {
  const met = tokens.get(text);
  if (met !== undefined) return met;
  if (tokens.size === 0) setImmediate(() => tokens.clear());
  const encoding = text.isWellFormed() ? 'utf8' : 'utf16le'; // UTF-8 has no lone surrogates
  const token = encoding + createHmac('sha256', secret).update(text, encoding).digest('base64url');
  tokens.set(text, token);
  return token;
}

/** The SDK's replacer for keys of items, with a token in the place of each long string. */
const shorten = (replacer: Replacer): Replacer =>
  function replace(this: unknown, key, value) {
    if (typeof value !== 'string') return replacer.call(this, key, value);
    return value.length < longCharsMin ? value : tokenOf(value);
  };

const textOf = (result: object): string | undefined => knownText(result) ?? (isUnread(result) ? '' : undefined);

type Stringify = (value: unknown, replacer?: unknown, space?: unknown) => string;

/** `JSON.stringify`, but for what the SDK asks of it about large values within runs. */
const stringifyWith = (original: Stringify): Stringify =>
  function stringify(value, replacer, space) {
    if (typeof replacer !== 'function') return original(value, replacer, space);
    if (replacer.name === textReplacer) {
      const text = typeof value === 'object' && value !== null ? textOf(value) : undefined;
      return text ?? original(value, replacer, space);
    }
    if (replacer.name === keyReplacer && runScope.getStore() !== undefined)
      return original(value, shorten(replacer as Replacer), space);
    return original(value, replacer, space);
  };

const cloneWith = (original: typeof structuredClone): typeof structuredClone =>
  function structuredClone<T>(value: T, options?: Parameters<typeof original>[1]): T {
    if (value !== null && value === asked) return known.get(value as object)?.clone as T;
    return original(value, options);
  };

// Registered with Symbol.for: a second copy of this package in the process must see the patches of the first.
const patched = Symbol.for('agent-service.serialisation');

/**
 * Has the SDK work on large results and large conversations without holding the event loop for long. It makes JSON of
 * each result several times, clones it, and compares items of the conversation by their JSON, all in one go, and its
 * functions cannot be replaced; so the two functions are that it calls. For all others they are what they were.
 */
export function patchSerialisation(): void {
  const holder = globalThis as { [patched]?: true };
  if (holder[patched]) return;
  holder[patched] = true;
  JSON.stringify = stringifyWith(JSON.stringify as Stringify) as typeof JSON.stringify;
  globalThis.structuredClone = cloneWith(globalThis.structuredClone);
}
