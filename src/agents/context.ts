import type { Service } from '../platform/lifecycle.ts';
import type { JsonRecord } from '../storage/port/index.ts';
import { RegistrationError } from './registration-error.ts';

/** What a run's context may be built from: stored facts only, since another process may have to build it again. */
export type RunFacts = { runId: string; tenant: string; sessionId: string | null; metadata: JsonRecord };

/** Builds the SDK's run context of one run. Its result must be a plain record of JSON values. */
export type ContextBuilder = (run: RunFacts) => unknown;

const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const nameOf = (value: unknown): string => {
  if (value === null || value === undefined) return `${value}`;
  return typeof value === 'object' ? `an instance of ${value.constructor?.name ?? 'a class'}` : `a ${typeof value}`;
};

/**
 * Why `value` is not a plain record of JSON values, or null if it is one. Anything else would not come out the same
 * when another process builds the context again, or would be lost on the way.
 */
export function whyNotPlain(value: unknown, path = 'context', ancestors: readonly object[] = []): string | null {
  if (path === 'context' && !isRecord(value)) return `${path} is ${nameOf(value)}`;
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  if (!Array.isArray(value) && !isRecord(value)) return `${path} is ${nameOf(value)}`;
  if (ancestors.includes(value)) return `${path} refers back to itself`;
  for (const [key, entry] of Object.entries(value)) {
    const why = whyNotPlain(entry, `${path}.${key}`, [...ancestors, value]);
    if (why) return why;
  }
  return null;
}

/** Builds and checks a context. @throws {RegistrationError} that says which part is not plain */
export async function buildContext(build: ContextBuilder | undefined, facts: RunFacts): Promise<object> {
  if (!build) return {};
  const context = await build(facts);
  const why = whyNotPlain(context);
  if (why) {
    throw new RegistrationError(
      `The context option must return a plain record of JSON values, since another process may have to build it again: ${why}. Keep clients and pools in module variables (see onStart) and put the facts they need into the context.`,
    );
  }
  return context as object;
}

const probeContext = { runId: 'run_0', tenant: 'default', sessionId: null, metadata: {} };

/** Finds out before the first run whether the context option gives what it must. */
export const contextCheck = (context: ContextBuilder | undefined): Service => ({
  name: 'context',
  start: async () => void (await buildContext(context, probeContext)),
  stop: async () => {},
});
