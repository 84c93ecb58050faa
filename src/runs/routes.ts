import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ErrorCode } from '../platform/errors.ts';
import { sendProblem } from '../platform/http/errors-plugin.ts';
import { fromCursor, pageQuery, pageView, toCursor } from '../platform/http/paging.ts';
import { problems, toProblem } from '../platform/http/problem.ts';
import type { Settings } from '../platform/settings.ts';
import type { RunFilter } from '../storage/port/index.ts';
import type { ActiveRun, EndedRun } from './active-run.ts';
import { runEvent } from './events.ts';
import { createRunBody, createRunQuery, listRunsQuery, runCursor, runView } from './schemas.ts';
import type { Caller, RunService } from './service.ts';
import { streamOf } from './sse.ts';
import { toRunView } from './view.ts';

/** What the routes stand on. */
export type RunRoutesOptions = {
  runs: RunService;
  settings: Pick<Settings, 'inputCharsMax' | 'runTimeoutMs'>;
  /** Ends every open stream; the process is going away. */
  closing: AbortSignal;
};

const callerOf = (request: FastifyRequest): Caller => ({ tenantId: request.caller.tenantId, requestId: request.id });

/** Aborts when the client has gone before its answer was sent. */
function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

function answerEnd(reply: FastifyReply, { run, retryAfterMs }: EndedRun) {
  if (run.status === 'completed') return reply.code(200).send(toRunView(run));
  if (run.status === 'requires_action') return reply.code(202).send(toRunView(run));
  const { code, detail } = run.error ?? { code: 'internal', detail: '' };
  return sendProblem(reply, toProblem(code as ErrorCode, detail, reply.request.id, { runId: run.id, retryAfterMs }));
}

function cancelWhenGone(reply: FastifyReply, run: ActiveRun): void {
  clientGone(reply).addEventListener('abort', () => run.stop('cancelled'), { once: true });
}

/** Runs: creating them, waiting for them, and looking at them. */
export const runRoutes: FastifyPluginAsyncZod<RunRoutesOptions> = async (app, { runs, settings, closing }) => {
  const createSchema = { body: createRunBody(settings), querystring: createRunQuery, tags: ['runs'] };
  const creating = { creates: true };

  app.post(
    '/run',
    {
      config: creating,
      schema: {
        ...createSchema,
        operationId: 'run',
        summary: 'Run an agent and wait for its answer',
        response: { 200: runView, 202: runView.describe('The run waits for a person.'), ...problems },
      },
    },
    async (request, reply) => {
      const run = await runs.create(request.body, callerOf(request), 'blocking');
      if (request.query.on_disconnect === 'cancel') cancelWhenGone(reply, run);
      return answerEnd(reply, await run.ended);
    },
  );

  app.post(
    '/run/stream',
    {
      config: creating,
      schema: {
        ...createSchema,
        operationId: 'streamRun',
        summary: 'Run an agent and follow it as it goes',
        response: { 200: runEvent.describe('Server-sent events; the data of each is one of these.'), ...problems },
      },
    },
    async (request, reply) => {
      const run = await runs.create(request.body, callerOf(request), 'stream');
      if (request.query.on_disconnect === 'cancel') cancelWhenGone(reply, run);
      const stream = Readable.from(streamOf(run.events, { afterSeq: 0, closing, gone: clientGone(reply) }));
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-cache, no-transform')
        .header('x-accel-buffering', 'no')
        .serializer((payload: unknown) => payload as string)
        .send(stream as never);
    },
  );

  app.get(
    '/runs',
    {
      schema: {
        operationId: 'listRuns',
        summary: 'List runs, newest first',
        tags: ['runs'],
        querystring: z.strictObject({ ...listRunsQuery, ...pageQuery }),
        response: { 200: pageView(runView).meta({ id: 'RunPage' }), ...problems },
      },
    },
    async ({ query, caller }) => {
      const { status, session_id: sessionId, agent, since, until } = query;
      const filter: RunFilter = { status, sessionId, agent, sinceMs: toMs(since), untilMs: toMs(until) };
      const before = fromCursor(runCursor, query.cursor);
      const page = await runs.list(caller.tenantId, filter, query.limit, before?.id ?? null);
      return { data: page.data.map(toRunView), next_cursor: toCursor(page.next === null ? null : { id: page.next }) };
    },
  );

  app.get(
    '/runs/:id',
    {
      schema: {
        operationId: 'getRun',
        summary: 'Look at a run',
        tags: ['runs'],
        params: z.object({ id: z.string().max(100) }),
        response: { 200: runView, ...problems },
      },
    },
    async ({ params, caller }) => toRunView(await runs.get(caller.tenantId, params.id)),
  );
};

const toMs = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
