import type { ErrorReply } from './reply.ts';

/** An error as OpenAI's body has it. */
export type ErrorBody = { error: { message: string; type: string; param: string | null; code: string | null } };

type Wording = { type: string; code: string | null; message: string };

/** How OpenAI words the usual errors: by code, else by status. */
const byCode: Record<string, Omit<Wording, 'code'>> = {
  insufficient_quota: {
    type: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  context_length_exceeded: {
    type: 'invalid_request_error',
    message: 'Your input exceeds the context window of this model. Please adjust your input and try again.',
  },
};

const byStatus: Record<number, Wording> = {
  400: { type: 'invalid_request_error', code: null, message: 'Invalid request.' },
  401: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' },
  403: { type: 'invalid_request_error', code: 'permission_denied', message: 'You have no access to this resource.' },
  404: { type: 'invalid_request_error', code: 'model_not_found', message: 'The model does not exist.' },
  429: { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached for requests.' },
  500: {
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request. Sorry about that!',
  },
  503: {
    type: 'service_unavailable_error',
    code: 'server_is_overloaded',
    message: 'Our servers are currently overloaded. Please try again later.',
  },
};

/** The body of an error, with what the reply leaves out filled in. */
export function errorBody(reply: ErrorReply): ErrorBody {
  const fallback = byStatus[reply.status] ?? (reply.status < 500 ? byStatus[400] : byStatus[500]);
  const wording = { ...fallback, ...(reply.code ? byCode[reply.code] : {}) };
  return {
    error: {
      message: reply.message ?? wording.message ?? '',
      type: reply.type ?? wording.type ?? '',
      param: reply.param ?? null,
      code: reply.code === undefined ? (wording.code ?? null) : reply.code,
    },
  };
}

/** A request that the fake refuses, as the real API would. */
export class ApiProblem extends Error {
  readonly reply: ErrorReply;

  /** @param reply what is answered */
  constructor(reply: ErrorReply) {
    super(reply.message ?? errorBody(reply).error.message);
    this.reply = reply;
  }
}

/** A request that is wrong: 400 `invalid_request_error`. */
export function invalidRequest(message: string, param: string | null = null, code: string | null = null): ApiProblem {
  return new ApiProblem({ status: 400, type: 'invalid_request_error', message, param, code });
}
