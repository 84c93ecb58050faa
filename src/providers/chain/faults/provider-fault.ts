import { requestedWaitMs, waitMsMax } from './rate-limit-headers.ts';

/** The results of an attempt other than a complete answer; `faultRules` has the rule for each. */
export type FaultKind =
  | 'rate_limited'
  | 'slow_down'
  | 'quota_exhausted'
  | 'overloaded'
  | 'server_error'
  | 'unreachable'
  | 'timed_out'
  | 'stalled'
  | 'truncated'
  | 'malformed'
  | 'broken_tool_call'
  | 'credentials_refused'
  | 'model_not_found'
  | 'conflict'
  | 'context_too_long'
  | 'output_limit'
  | 'content_filtered'
  | 'bad_request';

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
  readonly code: string | null;

  constructor(code: string | null) {
    super('The provider reported a failure in its answer.');
    this.name = 'ReportedFailure';
    this.code = code;
  }
}

type CodeRow = { codes: string[]; kind: FaultKind };

/** Error codes that are more specific than the HTTP status, wherever they appear. */
const byCode: CodeRow[] = [
  {
    kind: 'quota_exhausted',
    codes: [
      'insufficient_quota',
      'credit_balance_exhausted',
      'billing_hard_limit_reached',
      'billing_not_active',
      'enforced_spend_limit_reached',
      'spend_limit_reached',
    ],
  },
  { kind: 'slow_down', codes: ['slow_down'] },
  { kind: 'overloaded', codes: ['server_is_overloaded', 'overloaded_error', 'engine_overloaded'] },
  { kind: 'rate_limited', codes: ['rate_limit_exceeded', 'rate_limit_error'] },
  { kind: 'context_too_long', codes: ['context_length_exceeded'] },
  { kind: 'content_filtered', codes: ['content_filter', 'content_policy_violation', 'moderation_blocked'] },
  { kind: 'credentials_refused', codes: ['invalid_api_key'] },
  { kind: 'model_not_found', codes: ['model_not_found', 'DeploymentNotFound'] },
];

const byStatus: Record<number, FaultKind> = {
  402: 'quota_exhausted',
  401: 'credentials_refused',
  403: 'credentials_refused',
  404: 'model_not_found',
  408: 'timed_out',
  409: 'conflict',
  429: 'rate_limited',
  503: 'overloaded',
  529: 'overloaded',
};

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
};

const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? (error as Fields) : {});

/** Whether a class of the error has one of these names: two copies of a library have different classes of one name. */
function isA(error: unknown, ...names: string[]): boolean {
  for (let at = Object.getPrototypeOf(error ?? {}); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (names.includes(at.constructor?.name ?? '')) return true;
  }
  return false;
}

/** The codes of an error and of its causes. */
function codesOf(error: unknown, depth = 4): string[] {
  const { code, type, cause } = fieldsOf(error);
  const own = [code, type].filter((value): value is string => typeof value === 'string');
  return cause === undefined || depth === 0 ? own : [...own, ...codesOf(cause, depth - 1)];
}

const kindOfCodes = (codes: readonly string[]): FaultKind | null =>
  byCode.find((row) => row.codes.some((code) => codes.includes(code)))?.kind ?? null;

function kindOfStatus(status: number): FaultKind {
  return byStatus[status] ?? (status >= 500 ? 'server_error' : 'bad_request');
}

function regainedAfterMs(message: unknown, nowMs: number): number | null {
  const [, day, time = '00:00'] = regainAccess.exec(typeof message === 'string' ? message : '') ?? [];
  const untilMs = day === undefined ? Number.NaN : Date.parse(`${day}T${time}:00Z`);
  return Number.isNaN(untilMs) ? null : Math.min(Math.max(0, untilMs - nowMs), waitMsMax);
}

/** The faults of the transport's timeouts, by the name of the clock that expired. */
const byClock: Record<string, FaultKind> = { connect: 'unreachable', idle: 'stalled' };

/** The faults of ends that say that an answer is not whole. */
const byEnd: Record<string, FaultKind> = { cut: 'output_limit', refused: 'content_filtered', failed: 'truncated' };

/** The fault of an error without a status: no answer, or an incomplete one. Null if it is no fault of a provider. */
function kindOfConnection(error: unknown, answering: boolean): FaultKind | null {
  if (isA(error, 'ModelCallTimeoutError')) return byClock[String((error as { clock?: unknown }).clock)] ?? 'timed_out';
  if (isA(error, 'APIConnectionTimeoutError')) return 'timed_out';
  if (isA(error, 'AnswerEndError')) return byEnd[String((error as { end?: unknown }).end)] ?? 'truncated';
  if (isA(error, 'TruncatedAnswerError')) return 'truncated';
  if (isA(error, 'SyntaxError', 'MalformedAnswerError')) return 'malformed';
  const codes = codesOf(error);
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
  const codes = codesOf(error);
  if (name === 'ReportedFailure') return { kind: kindOfCodes(codes) ?? 'server_error', waitMs: null, status: null };
  const waitMs = requestedWaitMs(headers, nowMs) ?? null;
  if (typeof status === 'number' && isA(error, 'APIError')) {
    const regainedMs = status === 400 || status === 429 ? regainedAfterMs(message, nowMs) : null;
    if (regainedMs !== null) return { kind: 'quota_exhausted', waitMs: regainedMs, status };
    return { kind: kindOfCodes(codes) ?? kindOfStatus(status), waitMs, status };
  }
  const broken = kindOfConnection(error, answering);
  if (broken) return { kind: broken, waitMs, status: null };
  if (isA(error, 'APIError')) return { kind: kindOfCodes(codes) ?? 'server_error', waitMs, status: null };
  return null;
}
