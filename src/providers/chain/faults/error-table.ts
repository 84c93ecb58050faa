import type { FaultKind } from './fault-kind.ts';

/** How servers report a kind of fault. */
type ErrorRow = {
  kind: FaultKind;
  /**
   * Codes, types and words of status, in lower case, that say more than the HTTP status: OpenAI's, then those of other
   * servers.
   */
  codes?: readonly string[];
  /** The same, but no more exact than a status: they count only where there is none, as within a stream. */
  words?: readonly string[];
  /** Messages of servers that have no code for it. They count unless the status says what else it is. */
  messages?: RegExp;
  /** The HTTP statuses; within a stream they come as a code that is a number. */
  statuses?: readonly number[];
};

const anyOf = (...patterns: readonly RegExp[]): RegExp =>
  new RegExp(patterns.map(({ source }) => source).join('|'), 'i');

/** Every error that is recognised, in order of precedence. */
export const errorTable: readonly ErrorRow[] = [
  {
    kind: 'quota_exhausted',
    codes: [
      'insufficient_quota',
      'credit_balance_exhausted',
      'billing_hard_limit_reached',
      'billing_not_active',
      'enforced_spend_limit_reached',
      'spend_limit_reached',
      'billing_error', // Anthropic
      'budget_exceeded', // LiteLLM
    ],
    messages: anyOf(/credit balance is too low/, /insufficient balance/),
    statuses: [402],
  },
  { kind: 'slow_down', codes: ['slow_down'] },
  {
    kind: 'overloaded',
    codes: [
      ...['server_is_overloaded', 'engine_overloaded'],
      'overloaded_error', // Anthropic
      'unavailable', // Google
      'unavailable_error', // llama.cpp, while it loads
      'insufficient_system_resource', // DeepSeek
    ],
    statuses: [503, 529],
  },
  {
    kind: 'rate_limited',
    codes: [
      ...['rate_limit_exceeded', 'rate_limit_error'],
      'resource_exhausted', // Google
      'ratelimiterror', // vLLM, LiteLLM
    ],
    statuses: [429],
  },
  {
    kind: 'context_too_long',
    codes: [
      'context_length_exceeded',
      'exceed_context_size_error', // llama.cpp
    ],
    messages: anyOf(
      /exceeds? the available context size/, // llama.cpp
      /maximum context length/, // vLLM, Mistral, DeepSeek, OpenRouter, Azure
      /longer than the (?:maximum model|model's context) length/, // vLLM, SGLang
      /contextwindowexceedederror/, // LiteLLM
      /(?:prompt|input) is too long/, // Anthropic, Bedrock
      /exceeds? (?:the )?context (?:limit|window|length)/, // Anthropic, OpenAI, Ollama
      /input token count .{0,60}exceeds the maximum/, // Gemini
      /maximum prompt length is/, // xAI
      /prompt exceeds max(?:imum)? length/, // GLM
      /greater than the context length/, // LM Studio
      /`inputs` tokens \+ `max_new_tokens` must be/, // TGI
    ),
  },
  {
    kind: 'content_filtered',
    codes: [
      ...['content_filter', 'content_policy_violation', 'moderation_blocked'],
      'responsibleaipolicyviolation', // Azure
    ],
    messages: /contentpolicyviolationerror/i, // LiteLLM
  },
  {
    kind: 'credentials_refused',
    codes: [
      'invalid_api_key',
      'no_db_connection', // LiteLLM without a database, with status 400, for any key but its own
    ],
    words: ['authentication_error', 'authenticationerror', 'permission_error', 'unauthenticated', 'permission_denied'],
    messages: /api key not valid/i, // Gemini, with status 400
    statuses: [401, 403],
  },
  {
    kind: 'model_not_found',
    codes: ['model_not_found', 'deploymentnotfound'],
    words: ['not_found', 'not_found_error', 'notfounderror'],
    messages: anyOf(
      /invalid model name passed in model=/, // LiteLLM
      /model ['"`][^'"`]{1,200}['"`] (?:is )?not found/, // Ollama
      /the model ['"`][^'"`]{1,200}['"`] does not exist/, // vLLM
      /is not a valid model id/, // OpenRouter
      /invalid model: /, // Mistral
    ),
    statuses: [404],
  },
  { kind: 'timed_out', words: ['timeout', 'timeout_error', 'deadline_exceeded'], statuses: [408] },
  { kind: 'conflict', words: ['aborted'], statuses: [409] },
  {
    kind: 'bad_request',
    words: [
      ...['invalid_request_error', 'invalid_prompt', 'invalid_image'],
      ...['badrequesterror', 'invalid_argument', 'failed_precondition', 'request_too_large'],
    ],
  },
];

const byCode = (column: 'codes' | 'words') =>
  new Map(
    errorTable.flatMap(({ kind, [column]: codes = [] }) => codes.map((code) => [code, { kind, column }] as const)),
  );
const kindsByCode = byCode('codes');
const kindsByWord = byCode('words');
const kindsByStatus = new Map(
  errorTable.flatMap(({ kind, statuses = [] }) => statuses.map((at) => [at, kind] as const)),
);

/** The statuses under which servers without codes report what only their message tells. */
const unclearStatuses = new Set<number | null>([null, 400, 404, 413, 422, 500]);
/** As much of a message as is looked at. */
const messageCharsMax = 10_000;

function firstOf(kinds: ReadonlyMap<string, { kind: FaultKind }>, codes: readonly string[]): FaultKind | null {
  const found = new Set(codes.map((code) => kinds.get(code.toLowerCase())?.kind));
  return errorTable.find(({ kind }) => found.has(kind))?.kind ?? null;
}

/** The kind that codes say, wherever they stand. */
export const kindOfCodes = (codes: readonly string[]): FaultKind | null => firstOf(kindsByCode, codes);

/** The kind of an HTTP status that is no success. */
export const kindOfStatus = (status: number): FaultKind =>
  kindsByStatus.get(status) ?? (status >= 500 ? 'server_error' : 'bad_request');

function kindOfMessage(message: unknown, status: number | null): FaultKind | null {
  if (typeof message !== 'string' || !unclearStatuses.has(status)) return null;
  const text = message.slice(0, messageCharsMax);
  return errorTable.find(({ messages }) => messages?.test(text))?.kind ?? null;
}

/** What an error says of itself. */
export type ReportedError = {
  /** The HTTP status; null for an error within an answer. */
  status: number | null;
  /** Its codes, types and words of status. */
  codes: readonly string[];
  /** Codes that are numbers, or numbers as texts. */
  numbers: readonly number[];
  message: unknown;
};

/** The kind of fault that a server reports, by the first that says it: a code, the message, the status, a word. */
export function kindOfError({ status, codes, numbers, message }: ReportedError): FaultKind {
  const exact = kindOfCodes(codes) ?? kindOfMessage(message, status ?? numbers[0] ?? null);
  if (exact !== null) return exact;
  const number = status ?? numbers[0];
  if (number !== undefined) return kindOfStatus(number);
  return firstOf(kindsByWord, codes) ?? 'server_error';
}
