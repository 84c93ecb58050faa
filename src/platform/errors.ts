/**
 * Every error a client can meet, in one place. Clients match on `code`; `docs/errors.md` and the OpenAPI document
 * are made from this table, and a test compares them.
 */
export type ErrorEntry<Params> = {
  /** HTTP status (RFC 9110). */
  readonly status: number;
  /** A short name of the kind of error, the same for every occurrence (RFC 9457, `title`). */
  readonly title: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** The sentence for this occurrence (RFC 9457, `detail`). */
  readonly detail: (params: Params) => string;
};

/** For sentences without parameters: `{}`. */
type NoParams = Record<never, never>;

const entry = <Params = NoParams>(
  status: number,
  title: string,
  detail: string | ((params: Params) => string),
  retryable = false,
): ErrorEntry<Params> => ({
  status,
  title,
  retryable,
  detail: typeof detail === 'string' ? () => detail : detail,
});

type Reason = { reason: string };

/** Every code with what it means. Codes are public and never change. */
export const errorCatalogue = {
  malformed_json: entry<Reason>(400, 'Malformed request', (p) => p.reason),
  context_length_exceeded: entry(
    400,
    'Context length exceeded',
    "The conversation is longer than the model's context window.",
  ),
  unauthorized: entry<Reason>(401, 'Unauthorized', (p) => p.reason),
  forbidden: entry<Reason>(403, 'Forbidden', (p) => p.reason),
  not_found: entry<{ what: string }>(404, 'Not found', (p) => `${p.what} was not found.`),
  session_busy: entry<{ sessionId: string; runId: string }>(
    409,
    'Session busy',
    (p) => `Session ${p.sessionId} is held by run ${p.runId}.`,
    true,
  ),
  not_waiting: entry<{ runId: string }>(409, 'Not waiting', (p) => `Run ${p.runId} is not waiting for this decision.`),
  run_not_active: entry<{ runId: string }>(409, 'Run not active', (p) => `Run ${p.runId} is not active.`),
  payload_too_large: entry<{ limitBytes: number }>(
    413,
    'Payload too large',
    (p) => `The request body may have at most ${p.limitBytes} bytes.`,
  ),
  unsupported_media_type: entry<{ contentType: string }>(
    415,
    'Unsupported media type',
    (p) => `Expected application/json, got ${p.contentType}.`,
  ),
  validation_failed: entry<Reason>(422, 'Validation failed', (p) => p.reason),
  idempotency_key_reused: entry(
    422,
    'Idempotency key reused',
    'This Idempotency-Key was used before with another request body.',
  ),
  webhooks_not_configured: entry(
    422,
    'Webhooks not configured',
    'Webhooks need a WEBHOOK_SIGNING_SECRET, which this service does not have.',
  ),
  guardrail_tripped: entry<{ guardrail: string }>(
    422,
    'Guardrail tripped',
    (p) => `The guardrail "${p.guardrail}" stopped the run.`,
  ),
  model_refused: entry(422, 'Model refused', 'The model refused to answer.'),
  max_turns_exceeded: entry<{ maxTurns: number }>(
    422,
    'Too many turns',
    (p) => `The run did not finish within ${p.maxTurns} turns.`,
  ),
  output_limit_reached: entry(
    422,
    'Output limit reached',
    "The model's answer reached its token limit before it was whole.",
  ),
  too_many_runs: entry(429, 'Too many runs', 'Too many concurrent requests. Please retry.', true),
  rate_limited: entry(429, 'Rate limited', 'Rate limit exceeded.', true),
  budget_exceeded: entry<Reason>(429, 'Budget exceeded', (p) => p.reason),
  cancelled: entry(499, 'Cancelled', 'The run was cancelled.'),
  agent_error: entry<{ what: string }>(500, 'Agent error', (p) => `Agent error: ${p.what}`),
  context_not_plain: entry<Reason>(
    500,
    'Context not plain',
    (p) => `The run context must stay a plain record of JSON values, since it is stored with the run: ${p.reason}.`,
  ),
  session_input_failed: entry<{ errorName: string }>(
    500,
    'Session input failed',
    (p) => `The application's sessionInput failed: ${p.errorName}`,
  ),
  internal: entry(500, 'Internal error', 'The service failed to handle the request. The log has the cause.'),
  provider_error: entry<Reason>(502, 'Provider error', (p) => p.reason, true),
  empty_answer: entry(502, 'Empty answer', 'The model gave an answer without content.', true),
  tool_not_found: entry<{ what: string }>(502, 'Tool not found', (p) => p.what, true),
  provider_unavailable: entry<Reason>(503, 'Provider unavailable', (p) => p.reason, true),
  shutting_down: entry(503, 'Shutting down', 'Service shutting down', true),
  store_unavailable: entry(503, 'Store unavailable', 'The store cannot be reached at the moment.', true),
  not_storable: entry<{ what: string }>(
    500,
    'Not storable',
    (p) => `The store cannot hold what was to be recorded: ${p.what}.`,
  ),
  not_ready: entry<Reason>(503, 'Not ready', (p) => `Not ready: ${p.reason}`, true),
  request_timeout: entry(408, 'Request timeout', 'The request did not arrive in time.', true),
  headers_too_large: entry(431, 'Headers too large', 'The request headers are too large.'),
  poisoned: entry(500, 'Poisoned', 'Three processes died while they executed this run, without a new step between.'),
  agent_gone: entry<{ agent: string }>(
    410,
    'Agent gone',
    (p) => `The agent "${p.agent}" of this run is not part of this version of the application.`,
  ),
  tool_gone: entry<Reason>(410, 'Tool gone', (p) => p.reason),
  approval_expired: entry(410, 'Approval expired', 'Nobody decided in time (APPROVAL_EXPIRY).'),
  tool_timeout: entry<{ tool: string }>(
    504,
    'Tool timed out',
    (p) => `The tool "${p.tool}" took longer than its own timeoutMs, and ends the run then (raise_exception).`,
  ),
  tool_output_too_large: entry<{ tool: string; size: string; limit: string }>(
    500,
    'Tool output too large',
    (p) => `The tool "${p.tool}" returned ${p.size}; ${p.limit} are the most (TOOL_OUTPUT_MAX_BYTES).`,
  ),
  run_timed_out: entry(504, 'Run timed out', 'Agent run timed out.'),
} as const;

/** The code of an error; what clients match on. */
export type ErrorCode = keyof typeof errorCatalogue;

type ParamsOf<C extends ErrorCode> = (typeof errorCatalogue)[C] extends ErrorEntry<infer P> ? P : never;

/** What may stand beside an error's code and sentence in the answer. */
export type ErrorExtras = {
  /** The run that the error is about, once there is one. */
  runId?: string;
  /** The run that holds the session (`session_busy`). */
  activeRunId?: string;
  /** When a retry makes sense, in ms; answered as whole seconds, at least 1. */
  retryAfterMs?: number;
  /** Each mistake with the place where it was found. */
  errors?: { path: string; message: string }[];
  cause?: unknown;
};

/** An error from the catalogue; becomes a problem document at the edge. */
export class ServiceError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly status: number;
  readonly retryable: boolean;
  readonly extras: Omit<ErrorExtras, 'cause'>;

  /** `params` fill the catalogue's sentence; the compiler checks them against the code. */
  constructor(code: C, params: ParamsOf<C>, { cause, ...extras }: ErrorExtras = {}) {
    const { status, retryable, detail } = errorCatalogue[code] as unknown as ErrorEntry<ParamsOf<C>>;
    super(detail(params), { cause });
    this.name = 'ServiceError';
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.extras = extras;
  }
}

/** Whether the store could not be reached or could not do its work: only then does it make sense to try again. */
export const isStoreUnavailable = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'store_unavailable';
