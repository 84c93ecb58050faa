import { AsyncLocalStorage } from 'node:async_hooks';
import { createHmac, randomBytes } from 'node:crypto';
import { getLogger } from '@openai/agents';
import type { Replacer } from '../../platform/json-slices.ts';
import { inSlices } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { smartTextInSlices } from '../tool-outputs/smart-text.ts';
import { type RunScope, runScope } from './run-scope.ts';

/** What the SDK makes of a result; `clone` is what a `customDataExtractor` receives, if that is made already. */
export type KnownResult = { text: string; clone: object | null };

/** From this length on a string is not written into the keys of items, in characters. */
const longCharsMin = 65_536;

// Names of functions in the SDK's modules, which are not exported. In a release that calls them otherwise, large results
// take longer, and nothing else changes.
const textReplacer = 'smartStringReplacer';
const keyReplacer = 'agentInputSerializationReplacer';

/** What is known in the process. */
type Known = {
  results: WeakMap<object, KnownResult>;
  /** The result whose text the SDK has just asked for: within the same microtask it clones it. */
  asked: unknown;
  /** The tokens of strings that were met in this turn of the event loop. */
  tokens: Map<string, string>;
  secret: Buffer;
  isPatched: boolean;
};

// Registered with Symbol.for: a second copy of this package in the process has to share it.
const place = Symbol.for('agent-service.serialisation');
const holder = globalThis as { [place]?: Known };
holder[place] ??= {
  results: new WeakMap(),
  asked: null,
  tokens: new Map(),
  secret: randomBytes(32),
  isPatched: false,
};
const known = holder[place];

/**
 * Has the SDK use this text of a result, and this clone, in place of making them in one go, the text several times. It
 * uses them until it has cloned the result: later the application may have changed it.
 */
export function knowResult(result: object, made: KnownResult): void {
  known.results.set(result, made);
}

/** Makes the text of a known result again: code has seen the result, and may have changed it. */
export async function renewResult(result: unknown): Promise<void> {
  if (typeof result !== 'object' || result === null || !known.results.has(result)) return;
  known.results.set(result, { text: await inSlices(smartTextInSlices(result)), clone: null });
}

function knownText(result: object): string | undefined {
  const text = known.results.get(result)?.text;
  if (text === undefined) return undefined;
  known.asked = result;
  queueMicrotask(() => {
    known.asked = null;
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

/** Stands for a long string in the key of an item: the same for the same string, and nobody else can make one up. */
function tokenOf(text: string): string {
  const { tokens, secret } = known;
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

/** The clone of the result whose text was just asked for. In the next turn of the event loop it is a result like others. */
function cloneKnown(result: object): unknown {
  setImmediate(() => known.results.delete(result));
  return known.results.get(result)?.clone;
}

const cloneWith = (original: typeof structuredClone): typeof structuredClone =>
  function structuredClone<T>(value: T, options?: Parameters<typeof original>[1]): T {
    return value !== null && value === known.asked
      ? ((cloneKnown(value as object) ?? original(value, options)) as T)
      : original(value, options);
  };

/**
 * Has the SDK work on large results and large conversations without holding the event loop for long. It makes JSON of
 * each result several times, clones it, and compares items of the conversation by their JSON, all in one go, and its
 * functions cannot be replaced; so the two functions are that it calls. For all others they are what they were.
 */
export function patchSerialisation(): void {
  if (known.isPatched) return;
  known.isPatched = true;
  JSON.stringify = stringifyWith(JSON.stringify as Stringify) as typeof JSON.stringify;
  globalThis.structuredClone = cloneWith(globalThis.structuredClone);
}
