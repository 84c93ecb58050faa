import { z } from 'zod';
import { type ErrorCode, type ErrorExtras, errorCatalogue, type ServiceError } from '../errors.ts';
import { retryAfterRules, retryAfterSeconds } from './retry-after.ts';

/** The media type of errors (RFC 9457). */
export const problemType = 'application/problem+json';

/**
 * With `#<code>` the `type` of a problem: a name that clients may compare, not an address to visit. The domain is a
 * reserved one (RFC 2606, section 3); `docs/errors.md` describes the errors themselves.
 */
const errorsUrl = 'https://agent-service.example/errors';

/** An error as the API shows it (RFC 9457), with the additional members of this API. */
export const problemView = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
    instance: z.string().meta({ description: 'The id of the request, as in x-request-id.' }),
    run_id: z.string().optional(),
    active_run_id: z.string().optional().meta({ description: 'The run that holds the session.' }),
    retry_after: z.int().optional().meta({ description: 'Seconds, as in Retry-After.' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
/** A problem as JSON. */
export type Problem = z.output<typeof problemView>;

/** The error answers of every route. */
export const problems = { '4xx': problemView, '5xx': problemView };

const mayRetry = (status: number) => status === 429 || status === 503;

/** A problem document for an error of the catalogue. */
export function toProblem(code: ErrorCode, detail: string, requestId: string, extras: ErrorExtras = {}): Problem {
  const { status, title } = errorCatalogue[code];
  const waitMs = extras.retryAfterMs ?? (mayRetry(status) ? retryAfterRules.otherMs : undefined);
  return {
    type: `${errorsUrl}#${code}`,
    title,
    status,
    detail,
    code,
    instance: requestId,
    run_id: extras.runId,
    active_run_id: extras.activeRunId,
    retry_after: waitMs === undefined ? undefined : retryAfterSeconds(waitMs),
    errors: extras.errors,
  };
}

/** A problem document for an error that was thrown. */
export const problemOf = (error: ServiceError, requestId: string): Problem =>
  toProblem(error.code, error.message, requestId, error.extras);
