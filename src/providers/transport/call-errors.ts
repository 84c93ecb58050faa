import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';

/** The timeouts of a call: see `ModelTimeouts`. */
export type CallTimeout = 'connect' | 'first_byte' | 'idle' | 'total';

const timeoutReasons: Record<CallTimeout, string> = {
  connect: 'there was no connection',
  first_byte: 'the answer did not begin',
  idle: 'the answer did not go on',
  total: 'the answer was not whole',
};

/** A model call exceeded one of its timeouts; `clock` names it. */
export class ModelCallTimeoutError extends APIConnectionTimeoutError {
  readonly clock: CallTimeout;
  readonly limitMs: number;

  constructor(clock: CallTimeout, limitMs: number) {
    super({ message: `Request timed out: ${timeoutReasons[clock]} within ${limitMs} ms.` });
    this.name = 'ModelCallTimeoutError';
    this.clock = clock;
    this.limitMs = limitMs;
  }
}

/** An answer ended before it was complete: the part that arrived must not be used as the answer. */
export class TruncatedAnswerError extends APIError<undefined, Headers | undefined, undefined> {
  constructor(headers?: Headers, cause?: unknown) {
    super(undefined, undefined, 'The answer of the model ended before it was whole.', headers);
    this.name = 'TruncatedAnswerError';
    if (cause !== undefined) this.cause = cause;
  }
}

/** The body of a successful response is not an answer of the protocol. The message contains none of the body. */
export class MalformedAnswerError extends APIError<undefined, Headers | undefined, undefined> {
  constructor(what: string, headers?: Headers, cause?: unknown) {
    super(undefined, undefined, `The answer of the model makes no sense: ${what}.`, headers);
    this.name = 'MalformedAnswerError';
    if (cause !== undefined) this.cause = cause;
  }
}

/** What the end of an answer that is not whole says of it. */
type BadEnd = 'cut' | 'refused' | 'failed';

/** An answer has an end, which says that it is not whole: see `answerEnds`. */
export class AnswerEndError extends APIError<undefined, Headers | undefined, undefined> {
  readonly end: BadEnd;
  /** As the server gave it, in 50 characters at most. */
  readonly reason: string;

  constructor(end: BadEnd, reason: string, headers?: Headers) {
    super(undefined, undefined, `The answer of the model ended, but is not whole (${end}).`, headers);
    this.name = 'AnswerEndError';
    this.end = end;
    this.reason = reason.slice(0, 50);
  }
}

/** The error for a call that the caller aborted. Its cause is the reason of the abort. */
export const callAborted = ({ reason }: AbortSignal): APIUserAbortError =>
  Object.assign(new APIUserAbortError(), { cause: reason as unknown });

/** The error for a call without any response. */
export function connectionFailed(cause: Error, connectTimeoutMs: number): APIConnectionError {
  if ((cause as { code?: unknown }).code !== 'UND_ERR_CONNECT_TIMEOUT') return new APIConnectionError({ cause });
  return Object.assign(new ModelCallTimeoutError('connect', connectTimeoutMs), { cause });
}

function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A body without the `error` of the protocol is the error itself, as in the `openai` client. */
function errorObjectOf(parsed: unknown): object | undefined {
  const isBare = typeof parsed === 'object' && parsed !== null && (parsed as { error?: unknown }).error == null;
  return (isBare ? { error: parsed } : parsed) as object | undefined;
}

/** The error for a response whose status is not a success. */
export function statusFailed(status: number, body: string, headers: Headers): APIError {
  const parsed = parseJsonOrUndefined(body);
  return APIError.generate(status, errorObjectOf(parsed), parsed ? undefined : body, headers);
}

/** The error for a failure that the provider reports in its answer, or in an event of it. */
export const answerFailed = (error: object, headers: Headers): APIError =>
  new APIError(undefined, error, undefined, headers);

/**
 * Checks the content type of a stream. Anything but an HTML page is accepted: the types of servers vary.
 *
 * @throws {MalformedAnswerError} for an HTML page, as gateways send it
 */
export function checkStreamType(contentType: string | null | undefined, headers: () => Headers): void {
  if (contentType?.startsWith('text/html')) throw new MalformedAnswerError('it is a page', headers());
}
