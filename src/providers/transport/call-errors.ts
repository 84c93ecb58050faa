import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';

/** The clocks of a call: see `ModelTimeouts`. */
export type CallTimeout = 'connect' | 'first_byte' | 'idle' | 'total';

const waitedFor: Record<CallTimeout, string> = {
  connect: 'there was no connection',
  first_byte: 'the answer did not begin',
  idle: 'the answer did not go on',
  total: 'the answer was not whole',
};

/** A call of a model took longer than one of its clocks allows. */
export class ModelCallTimeoutError extends APIConnectionTimeoutError {
  readonly clock: CallTimeout;
  readonly limitMs: number;

  constructor(clock: CallTimeout, limitMs: number) {
    super({ message: `Request timed out: ${waitedFor[clock]} within ${limitMs} ms.` });
    this.name = 'ModelCallTimeoutError';
    this.clock = clock;
    this.limitMs = limitMs;
  }
}

/** An answer ended before it was whole: what came is a part, and must not be taken for the answer. */
export class TruncatedAnswerError extends APIError<undefined, Headers | undefined, undefined> {
  constructor(headers?: Headers, cause?: unknown) {
    super(undefined, undefined, 'The answer of the model ended before it was whole.', headers);
    this.name = 'TruncatedAnswerError';
    if (cause !== undefined) this.cause = cause;
  }
}

/** What came with a status of success is no answer of the protocol. The message holds nothing of it. */
export class MalformedAnswerError extends APIError<undefined, Headers | undefined, undefined> {
  constructor(what: string, headers?: Headers, cause?: unknown) {
    super(undefined, undefined, `The answer of the model makes no sense: ${what}.`, headers);
    this.name = 'MalformedAnswerError';
    if (cause !== undefined) this.cause = cause;
  }
}

/** The caller aborted a call; its reason is the cause. */
export const callAborted = ({ reason }: AbortSignal): APIUserAbortError =>
  Object.assign(new APIUserAbortError(), { cause: reason as unknown });

/** There was no answer at all. */
export function connectionFailed(cause: Error, connectTimeoutMs: number): APIConnectionError {
  if ((cause as { code?: unknown }).code !== 'UND_ERR_CONNECT_TIMEOUT') return new APIConnectionError({ cause });
  return Object.assign(new ModelCallTimeoutError('connect', connectTimeoutMs), { cause });
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A body without the `error` that the protocol wants is the error itself, as with the `openai` client. */
function errorIn(parsed: unknown): object | undefined {
  const isBare = typeof parsed === 'object' && parsed !== null && (parsed as { error?: unknown }).error == null;
  return (isBare ? { error: parsed } : parsed) as object | undefined;
}

/** An answer with a status that is none of success. */
export function statusFailed(status: number, body: string, headers: Headers): APIError {
  const parsed = parsedOrNothing(body);
  return APIError.generate(status, errorIn(parsed), parsed ? undefined : body, headers);
}

/** The provider says in its answer, or in an event of it, that it failed. */
export const answerFailed = (error: object, headers: Headers): APIError =>
  new APIError(undefined, error, undefined, headers);
