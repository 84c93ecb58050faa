import { isRecord } from '../../../platform/is-record.ts';
import type { ModelApi } from '../connection.ts';
import { textOf } from './json-text.ts';

type Fields = Record<string, unknown>;

/** How deep an error is searched for something that it says. */
const depthMax = 3;

/** Whether an `error` says nothing, as servers send it beside a good answer: empty, zero, false, or fields that are. */
export function saysNothing(error: unknown, depth = 0): boolean {
  if (!error || error === '0') return true;
  if (typeof error !== 'object' || depth === depthMax) return false;
  return Object.values(error).every((value) => saysNothing(value, depth + 1));
}

const messageOf = (value: unknown): string => (typeof value === 'string' ? value : textOf(value));

/** The failure that an object is, whose fields stand in the object itself. */
function bareFailure({ message, detail, type, code, status }: Fields): object {
  return { message: messageOf(message ?? detail), type, code: code ?? status };
}

/** Whether an object is an answer, or an event of one. */
function isAnswer({ object, output, type, choices }: Fields, api: ModelApi): boolean {
  if (api === 'chat_completions') return choices !== undefined;
  return output !== undefined || type !== undefined || object === 'response';
}

/** Whether an object without an `error` is a failure: as vLLM, FastAPI, and gateways report it. */
function isBareFailure(body: Fields, api: ModelApi): boolean {
  if (body.object === 'error') return true;
  if (isAnswer(body, api)) return false;
  if (body.detail !== undefined) return true;
  return typeof body.message === 'string' && (body.code !== undefined || body.type !== undefined);
}

/**
 * The failure that an answer, or an event of a streamed one, reports, as an object with `message`, `type` and `code`; null
 * if it reports none.
 *
 * @param isNamedError whether the event's name says that it is one
 */
export function reportedFailure(body: unknown, api: ModelApi, isNamedError = false): object | null {
  const value = Array.isArray(body) ? body[0] : body;
  if (typeof value === 'string') return isNamedError ? { message: value } : null;
  if (!isRecord(value)) return isNamedError ? {} : null;
  const { error } = value;
  if (typeof error === 'object' && error !== null && saysNothing(error) && !isNamedError && isAnswer(value, api))
    return null;
  if (isRecord(error)) return error;
  if (error && error !== '0') return { message: messageOf(error), type: value.type, code: value.code ?? value.status };
  if (isNamedError) return value;
  return isBareFailure(value, api) ? bareFailure(value) : null;
}
