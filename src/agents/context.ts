import type { Service } from '../platform/lifecycle.ts';
import type { JsonRecord } from '../storage/port/index.ts';
import { RegistrationError } from './registration-error.ts';

/** The input of a context builder: stored facts only, since another process may have to build the context again. */
export type RunFacts = {
  runId: string;
  tenant: string;
  sessionId: string | null;
  metadata: JsonRecord;
  /**
   * The context that the run before has left in the session, for `keep: 'session'`; null for the first run of a session,
   * without a session, and for `keep: 'run'`.
   */
  previous: JsonRecord | null;
};

/**
 * Builds the SDK's run context of a run, once: what it returns is recorded with the first step, and what is changed in it
 * with the step after the change. The result must be a plain record of JSON values.
 */
export type ContextBuilder = (run: RunFacts) => unknown;

/** How run contexts are built, and how long they are kept. */
export type ContextOption =
  | ContextBuilder
  | {
      /** Defaults to the context that is kept, or an empty one. */
      build?: ContextBuilder;
      /** `session` hands the context on to the next run of the session, as `previous`. Defaults to `run`. */
      keep?: 'run' | 'session';
    };

/** The option with its defaults. */
export type RunContexts = { build: ContextBuilder | undefined; keep: 'run' | 'session' };

/** The option with its defaults. @throws {RegistrationError} for one that makes no sense */
export function toRunContexts(option: ContextOption | undefined): RunContexts {
  const { build, keep = 'run' } = typeof option === 'function' ? { build: option } : (option ?? {});
  if (build !== undefined && typeof build !== 'function')
    throw new RegistrationError('The context option of serve(): build has to be a function.');
  if (keep !== 'run' && keep !== 'session')
    throw new RegistrationError("The context option of serve(): keep has to be 'run' or 'session'.");
  return { build, keep };
}

const isPlainRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const describeValue = (value: unknown): string => {
  if (value === null || value === undefined) return `${value}`;
  return typeof value === 'object' ? `an instance of ${value.constructor?.name ?? 'a class'}` : `a ${typeof value}`;
};

/**
 * The reason why `value` is not a plain record of JSON values; null if it is one. Any other value would differ when
 * another process builds the context again, or would be lost in serialization.
 */
export function reasonNotPlain(value: unknown, path = 'context', ancestors: readonly object[] = []): string | null {
  if (path === 'context' && !isPlainRecord(value)) return `${path} is ${describeValue(value)}`;
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  if (!Array.isArray(value) && !isPlainRecord(value)) return `${path} is ${describeValue(value)}`;
  if (ancestors.includes(value)) return `${path} refers back to itself`;
  for (const [key, entry] of Object.entries(value)) {
    const reason = reasonNotPlain(entry, `${path}.${key}`, [...ancestors, value]);
    if (reason) return reason;
  }
  return null;
}

/** Builds and checks a context. @throws {RegistrationError} that names the part that is not plain */
export async function buildContext(build: ContextBuilder | undefined, facts: RunFacts): Promise<object> {
  if (!build) return structuredClone(facts.previous ?? {});
  const context = await build(facts);
  const reason = reasonNotPlain(context);
  if (reason) {
    throw new RegistrationError(
      `The context option must return a plain record of JSON values, since another process may have to build it again: ${reason}. Keep clients and pools in module variables (see onStart) and put the facts they need into the context.`,
    );
  }
  return context as object;
}

const probeContext: RunFacts = { runId: 'run_0', tenant: 'default', sessionId: null, metadata: {}, previous: null };

/** Checks at the start of the service that the context option returns a plain record. */
export const contextCheck = ({ build }: RunContexts): Service => ({
  name: 'context',
  start: async () => void (await buildContext(build, probeContext)),
  stop: async () => {},
});
