import * as sdk from '@openai/agents';
import { ServiceError } from '../../platform/errors.ts';
import type { Json, Step } from '../../storage/port/index.ts';
import { errorOf, recordedErrorOf } from './recorded-work.ts';

/** What is recorded of the error of a run that a workflow has started. */
export function toRecordedError(error: unknown): Json {
  const { name, message } = errorOf(error);
  if (error instanceof ServiceError) {
    const { code, status, retryable } = error;
    return { name, message, code, status, retryable };
  }
  const own = error instanceof Error && name === 'Error' ? error.constructor.name : name;
  return { name: own, message };
}

/** The class of errors that has this name in the SDK. */
function sdkErrorClass(name: string): { prototype: object } | undefined {
  const found = (sdk as Record<string, unknown>)[name];
  return typeof found === 'function' && found.prototype instanceof Error ? found : undefined;
}

/** The error that a step recorded, of the class that it had, if that is one of the SDK's or the service's. */
export function fromRecordedError(step: Step): Error {
  const { code, status, retryable } = step.error as Record<string, Json>;
  const error = recordedErrorOf(step);
  if (code !== undefined) {
    return Object.setPrototypeOf(Object.assign(error, { code, status, retryable, extras: {} }), ServiceError.prototype);
  }
  const known = sdkErrorClass(error.name);
  return known ? Object.setPrototypeOf(error, known.prototype) : error;
}
