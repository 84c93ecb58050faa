import { kindOfCodes, kindOfError } from './error-table.ts';
import type { FaultKind } from './fault-kind.ts';
import { requestedWaitMs, waitMsMax } from './rate-limit-headers.ts';

export type { FaultKind } from './fault-kind.ts';

/** The fault that ended an attempt. */
export type Fault = {
  kind: FaultKind;
  /** The waiting time that the provider asks for, in ms; null where it asks for none. */
  waitMs: number | null;
  /** The HTTP status; null where there was none. */
  status: number | null;
};

/** A fault that this service detects itself, in an answer or because none arrived. */
export class ProviderFault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.name = 'ProviderFault';
    this.kind = kind;
  }
}

/** An error that a provider reports inside an answer whose HTTP status was a success. */
export class ReportedFailure extends Error {
  /** As the provider gave it: some give a status. */
  readonly code: string | number | null;

  constructor(code: string | number | null) {
    super('The provider reported a failure in its answer.');
    this.name = 'ReportedFailure';
    this.code = code;
  }
}

/** A spend limit that only the error's message states, with the day on which it ends. */
const regainAccess = /usage limits[\s\S]*regain access on (\d{4}-\d{2}-\d{2})(?:[ T](?:at )?(\d{2}:\d{2}))?/i;

/** Codes of connections that fail, of Node and of undici. */
const neverConnected = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const connectionLost = /^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|UND_ERR_[A-Z_]+)$/;

type Fields = {
  name?: unknown;
  message?: unknown;
  status?: unknown;
  code?: unknown;
  type?: unknown;
  headers?: unknown;
  cause?: unknown;
  error?: unknown;
  innererror?: unknown;
  end?: unknown;
  reason?: unknown;
};

const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? (error as Fields) : {});

/** Whether a class of the error has one of these names: two copies of a library have different classes of one name. */
function isA(error: unknown, ...names: string[]): boolean {
  for (let at = Object.getPrototypeOf(error ?? {}); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (names.includes(at.constructor?.name ?? '')) return true;
  }
  return false;
}

/** The body of an error; Gemini wraps it in a list. */
function bodyOf(error: unknown): Fields {
  const body = fieldsOf(Array.isArray(error) ? error[0] : error);
  return 'error' in body ? fieldsOf(body.error) : body;
}

/** The codes of an error and of its causes: also those that stand only in its body, such as Google's word for the status. */
function codesOf(error: unknown, depth = 4): unknown[] {
  const { code, type, cause, error: body } = fieldsOf(error);
  const { code: bodyCode, type: bodyType, status: word, innererror } = bodyOf(body);
  const own = [code, type, bodyCode, bodyType, word, fieldsOf(innererror).code];
  return cause === undefined || depth === 0 ? own : [...own, ...codesOf(cause, depth - 1)];
}

const isStatus = (value: number): boolean => Number.isInteger(value) && value >= 400 && value <= 599;

/** What an error that a server reports says of itself. */
function reported(error: unknown) {
  const all = codesOf(error);
  const numeric = all.filter((code) => typeof code === 'number' || (typeof code === 'string' && /^\d{3}$/.test(code)));
  return {
    codes: all.filter((code) => typeof code === 'string'),
    numbers: numeric.map(Number).filter(isStatus),
    message: fieldsOf(error).message,
  };
}

function regainedAfterMs(message: unknown, nowMs: number): number | null {
  const [, day, time = '00:00'] = regainAccess.exec(typeof message === 'string' ? message : '') ?? [];
  const untilMs = day === undefined ? Number.NaN : Date.parse(`${day}T${time}:00Z`);
  return Number.isNaN(untilMs) ? null : Math.min(Math.max(0, untilMs - nowMs), waitMsMax);
}

/** The faults of the transport's timeouts, by the name of the clock that expired. */
const byClock: Record<string, FaultKind> = { connect: 'unreachable', idle: 'stalled' };

/** The faults of ends that say that an answer is not whole. */
const byEnd: Record<string, FaultKind> = { cut: 'output_limit', refused: 'content_filtered' };

/** The fault of an end that says that an answer is not whole; the reason of one that failed may be a code. */
function kindOfEnd({ end, reason }: Fields): FaultKind {
  return byEnd[String(end)] ?? kindOfCodes([String(reason)]) ?? 'answer_failed';
}

/** The fault of an error without a status: no answer, or an incomplete one. Null if it is no fault of a provider. */
function kindOfConnection(error: unknown, answering: boolean): FaultKind | null {
  if (isA(error, 'ModelCallTimeoutError')) return byClock[String((error as { clock?: unknown }).clock)] ?? 'timed_out';
  if (isA(error, 'APIConnectionTimeoutError')) return 'timed_out';
  if (isA(error, 'AnswerEndError')) return kindOfEnd(fieldsOf(error));
  if (isA(error, 'TruncatedAnswerError')) return 'truncated';
  if (isA(error, 'SyntaxError', 'MalformedAnswerError')) return 'malformed';
  const { codes } = reported(error);
  if (codes.some((code) => neverConnected.test(code))) return 'unreachable';
  const isLost = codes.some((code) => connectionLost.test(code)) || isA(error, 'APIConnectionError');
  const { message } = fieldsOf(error);
  const failed = isA(error, 'TypeError') ? /^(terminated|fetch failed)$/.exec(String(message))?.[0] : undefined;
  if (failed === 'terminated') return 'truncated'; // the body was being read
  if (!isLost && failed === undefined) return null;
  return answering ? 'truncated' : 'unreachable';
}

/**
 * The fault of a provider that an attempt's error stands for; null if the error is a mistake in the application or in
 * this service, which no other provider would correct. Errors are recognised by their class names and fields, never by
 * `instanceof`, since the application may have another copy of a library.
 *
 * @param answering whether an answer had begun to arrive
 * @param nowMs the time of day, for waiting times that are dates
 */
export function classifyFault(error: unknown, answering: boolean, nowMs: number): Fault | null {
  const { status, headers, message, name } = fieldsOf(error);
  if (name === 'ProviderFault') return { kind: (error as ProviderFault).kind, waitMs: null, status: null };
  const waitMs = requestedWaitMs(headers, nowMs) ?? null;
  if (name === 'ReportedFailure') return reportedFault(error, null);
  if (typeof status === 'number' && isA(error, 'APIError')) {
    const regainedMs = status === 400 || status === 429 ? regainedAfterMs(message, nowMs) : null;
    if (regainedMs !== null) return { kind: 'quota_exhausted', waitMs: regainedMs, status };
    return { kind: kindOfError({ ...reported(error), status }), waitMs, status };
  }
  const broken = kindOfConnection(error, answering);
  if (broken) return { kind: broken, waitMs, status: null };
  return isA(error, 'APIError') ? reportedFault(error, waitMs) : null;
}

/** The fault of an error that a provider reports within an answer; a code that is a number is its status. */
function reportedFault(error: unknown, waitMs: number | null): Fault {
  const facts = { ...reported(error), status: null };
  return { kind: kindOfError(facts), waitMs, status: facts.numbers[0] ?? null };
}
