import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.ts';
import { type Problem, problemOf, problemType } from './problem.ts';

type Validation = { instancePath: string; message?: string; params?: { errors?: UnionIssue[][] } }[];

type Mistake = { path: PropertyKey[]; message: string };
type UnionIssue = Mistake & { code?: string; expected?: string; errors?: UnionIssue[][] };

const isOtherType = ({ code, path }: UnionIssue): boolean => code === 'invalid_type' && path.length === 0;

/** Mistakes of a value that may be of several types: those by the type that it is of. */
function mistakesOf({ path, message, errors = [] }: UnionIssue): Mistake[] {
  if (errors.length === 0) return [{ path, message }];
  const [its] = errors.filter((issues) => !issues.every(isOtherType));
  const within = its?.flatMap(mistakesOf) ?? [{ path: [], message: `must be of type ${typesOf(errors)}` }];
  return within.map((mistake) => ({ path: [...path, ...mistake.path], message: mistake.message }));
}

const typesOf = (errors: UnionIssue[][]): string => errors.flatMap(([first]) => first?.expected ?? []).join(' or ');

/** The most mistakes that an answer lists. */
const mistakesMax = 100;

function validationError(issues: Validation): ServiceError {
  const errors = issues.slice(0, mistakesMax).flatMap(({ instancePath, message, params }) => {
    const path = instancePath.split('/').slice(1);
    const mistakes = mistakesOf({ path, message: message ?? 'is not valid', errors: params?.errors });
    return mistakes.map((mistake) => ({ path: mistake.path.join('.'), message: mistake.message }));
  });
  const first = errors[0];
  const where = first?.path ? `${first.path}: ` : '';
  const reason = first ? `${where}${first.message}` : 'The request is not valid.';
  return new ServiceError('validation_failed', { reason }, { errors });
}

/** The error of the catalogue for an error of Fastify itself; null for every other error. */
function fromFramework(error: FastifyError, request: FastifyRequest): ServiceError | null {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ServiceError('payload_too_large', { limitBytes: request.routeOptions.bodyLimit ?? 0 });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ServiceError('unsupported_media_type', {
        contentType: request.headers['content-type'] ? 'another type' : 'none',
      });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ServiceError('malformed_json', { reason: 'The body is empty; expected a JSON object.' });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ServiceError('malformed_json', { reason: 'The body is not as long as its Content-Length says.' });
    case 'FST_ERR_BAD_URL':
      return new ServiceError('malformed_json', { reason: 'The URL is malformed.' });
    default:
      break;
  }
  // The remaining ones with status 400 are errors of the body: JSON that does not parse, or that names __proto__.
  if (error.statusCode === 400) return new ServiceError('malformed_json', { reason: 'The body is not valid JSON.' });
  return null;
}

function toServiceError(error: unknown, request: FastifyRequest): ServiceError {
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return validationError(error.validation as Validation);
  const known = error instanceof Error ? fromFramework(error as FastifyError, request) : null;
  return known ?? new ServiceError('internal', {}, { cause: error });
}

/** Sends a problem document, with `Retry-After` if the problem has a time. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.retry_after !== undefined) reply.header('retry-after', problem.retry_after);
  // The `openai` package reads this header before it retries.
  if (problem.code === 'budget_exceeded') reply.header('x-should-retry', 'false');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type(problemType)
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem);
}

/** Answers every error and every unknown route with a problem document. Internal errors are logged with their cause. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toServiceError(error, request);
    if (known.code === 'internal') request.log.error({ err: known.cause }, 'a request failed');
    return sendProblem(reply, problemOf(known, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0]?.slice(0, 200)}`;
    return sendProblem(reply, problemOf(new ServiceError('not_found', { what }), request.id));
  });
}
