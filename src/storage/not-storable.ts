import { ServiceError } from '../platform/errors.ts';

/** What was to be recorded cannot be stored. `what` names the place and what it takes, never the value. */
export const notStorable = (what: string): ServiceError<'not_storable'> => new ServiceError('not_storable', { what });

/**
 * The error of an encoder or a driver that was given a value it does not know: `not_storable`, with the stack of the
 * cause. Its message stays out, since that of `JSON.stringify` names properties of what was to be stored. Other errors
 * are returned as they are.
 */
export function toEncodingError(error: unknown): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error;
  const refused = notStorable(`it could not be encoded (${error.name})`);
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  refused.stack = [`${refused.name}: ${refused.message}`, ...frames].join('\n');
  return refused;
}

/**
 * Encodes values for the store.
 *
 * @throws {ServiceError} `not_storable`
 */
export function encoded<T>(encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    throw toEncodingError(error);
  }
}
