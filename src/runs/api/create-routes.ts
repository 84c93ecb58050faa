import { setImmediate as nextTick } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type LimitUse, spenderOf } from '../../budgets/index.ts';
import { type ErrorCode, ServiceError } from '../../platform/errors.ts';
import { sendProblem } from '../../platform/http/errors-plugin.ts';
import { problems, toProblem } from '../../platform/http/problem.ts';
import type { Settings } from '../../platform/settings/settings.ts';
import type { Run } from '../../storage/port/index.ts';
import type { AttemptEnd } from '../active-runs.ts';
import { type EventInclude, runEvent } from '../events/events.ts';
import { countingHook } from '../input/counts.ts';
import { inputBodyBytesMax } from '../input/input-limits.ts';
import type { Caller } from '../run-request.ts';
import type { RunService } from '../service.ts';
import { toRunView } from '../views/run-view.ts';
import { runView } from '../views/schemas.ts';
import type { RunStreams } from './run-streams.ts';
import {
  createBackgroundRunBody,
  createBackgroundRunQuery,
  createRunBody,
  createRunQuery,
  idempotencyHeader,
} from './schemas.ts';
import { clientDisconnected } from './stream-reply.ts';

/** Options of the routes that create a run. */
export type CreateRoutesOptions = {
  runs: RunService;
  streams: RunStreams;
  settings: Pick<
    Settings,
    'inputCharsMax' | 'inputPartsMax' | 'inputBytesMax' | 'runTimeoutMs' | 'backgroundTimeoutMs' | 'turnsMax'
  >;
};

/** The fields of a body beside its input are small. */
const bodyBytesOther = 64 * 1024;

const bodyLimitOf = (settings: CreateRoutesOptions['settings']) => inputBodyBytesMax(settings) + bodyBytesOther;

const config = { scope: 'run', creates: true } as const;

type IncludeQuery = { include?: EventInclude };

const callerOf = ({ caller, accessMs, id, headers, arrivalDecided, query }: FastifyRequest): Caller => ({
  tenantId: caller.tenantId,
  keyId: caller.keyId,
  accessMs,
  requestId: id,
  idempotencyKey: headers['idempotency-key'] as string | undefined,
  spender: spenderOf(caller),
  include: (query as IncludeQuery).include,
  arrivalDecided: arrivalDecided ?? undefined,
});

/** A number in the form of structured fields: an integer, or at most three digits after the point. */
const decimal = (value: number): string => String(Math.round(value * 1000) / 1000);

/** Budgets that are nearly used up, as a list of structured fields (RFC 9651), such as `"tenant-usd-day";u=8.2;l=10`. */
function warnOfBudgets(reply: FastifyReply, warnings: readonly LimitUse[]): void {
  if (warnings.length === 0) return;
  const items = warnings.map(
    ({ scope, unit, period, used, limit }) => `"${scope}-${unit}-${period}";u=${decimal(used)};l=${decimal(limit)}`,
  );
  reply.header('budget-warning', items.join(', '));
}

function sendEnd(reply: FastifyReply, { run, retryAfterMs }: Extract<AttemptEnd, { type: 'ended' }>) {
  if (run.status === 'completed') return reply.code(200).send(toRunView(run));
  if (run.status === 'requires_action') return reply.code(202).send(toRunView(run));
  const { code, detail } = run.error ?? { code: 'internal', detail: '' };
  return sendProblem(reply, toProblem(code as ErrorCode, detail, reply.request.id, { runId: run.id, retryAfterMs }));
}

/** Cancels a run when its client disconnects. If the cancellation fails, the run ends by itself. */
function cancelOnDisconnect(runs: RunService, { tenantId, id }: Run, disconnected: AbortSignal): void {
  const cancel = () => void runs.cancel(tenantId, id).catch(() => {});
  if (disconnected.aborted) cancel();
  else disconnected.addEventListener('abort', cancel, { once: true });
}

const blockingAndStreamedRuns: FastifyPluginAsyncZod<CreateRoutesOptions> = async (app, options) => {
  const { runs, streams, settings } = options;
  const createSchema = {
    body: createRunBody(settings),
    querystring: createRunQuery,
    headers: idempotencyHeader,
    tags: ['runs'],
  };

  app.post(
    '/run',
    {
      config,
      bodyLimit: bodyLimitOf(settings),
      preValidation: countingHook(settings.inputPartsMax),
      schema: {
        ...createSchema,
        operationId: 'run',
        summary: 'Run an agent and wait for its answer',
        response: { 200: runView, 202: runView.describe('The run waits for a person.'), ...problems },
      },
    },
    async (request, reply) => {
      const disconnected = clientDisconnected(reply);
      const accepted = await runs.create(request.body, callerOf(request), 'blocking', disconnected);
      warnOfBudgets(reply, accepted.warnings);
      if (request.query.on_disconnect === 'cancel') cancelOnDisconnect(runs, accepted.run, disconnected);
      return sendEnd(reply, await runs.waitForEnd(accepted));
    },
  );

  app.post(
    '/run/stream',
    {
      config,
      bodyLimit: bodyLimitOf(settings),
      preValidation: countingHook(settings.inputPartsMax),
      schema: {
        ...createSchema,
        operationId: 'streamRun',
        summary: 'Run an agent and follow it as it goes',
        response: { 200: runEvent.describe('Server-sent events; the data of each is one of these.'), ...problems },
      },
    },
    async (request, reply) => {
      streams.acquire(request, reply);
      const disconnected = clientDisconnected(reply);
      const accepted = await runs.create(request.body, callerOf(request), 'stream', disconnected);
      await nextTick(); // the first model call starts in this tick and must not wait while the response is set up
      warnOfBudgets(reply, accepted.warnings);
      if (request.query.on_disconnect === 'cancel') cancelOnDisconnect(runs, accepted.run, disconnected);
      // The stream shows the end; this wait enforces the time of the run, also where the store does not answer.
      const unanswered = new AbortController();
      runs.waitForEnd(accepted).catch((error: unknown) => {
        if (error instanceof ServiceError && error.code === 'store_unavailable') unanswered.abort();
      });
      return streams.send(reply, accepted.run, 0, request.query.include, unanswered.signal);
    },
  );
};

const backgroundRuns: FastifyPluginAsyncZod<CreateRoutesOptions> = async (app, { runs, settings }) => {
  app.post(
    '/runs',
    {
      config,
      bodyLimit: bodyLimitOf(settings),
      preValidation: countingHook(settings.inputPartsMax),
      schema: {
        body: createBackgroundRunBody({ ...settings, runTimeoutMs: settings.backgroundTimeoutMs }),
        querystring: createBackgroundRunQuery,
        headers: idempotencyHeader,
        tags: ['runs'],
        operationId: 'createRun',
        summary: 'Have a run executed in the background',
        response: { 202: runView, ...problems },
      },
    },
    async (request, reply) => {
      const { run, warnings } = await runs.create(request.body, callerOf(request), 'background');
      warnOfBudgets(reply, warnings);
      return reply.code(202).header('location', `/api/v1/runs/${run.id}`).send(toRunView(run));
    },
  );
};

/** Creates runs: blocking, streamed and in the background. */
export const createRoutes: FastifyPluginAsyncZod<CreateRoutesOptions> = async (app, options) => {
  await blockingAndStreamedRuns(app, options);
  await backgroundRuns(app, options);
};
