import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type LimitUse, spenderOf } from '../../budgets/index.ts';
import type { KeyRevocationWatch } from '../../keys/index.ts';
import type { ErrorCode } from '../../platform/errors.ts';
import { sendProblem } from '../../platform/http/errors-plugin.ts';
import { fromCursor, pageQuery, pageView, toCursor } from '../../platform/http/paging.ts';
import { problems, toProblem } from '../../platform/http/problem.ts';
import type { Settings } from '../../platform/settings/settings.ts';
import type { RunFilter } from '../../storage/port/index.ts';
import type { AttemptEnd } from '../active-runs.ts';
import { decisionsBody } from '../approvals/decisions.ts';
import type { EventFeed } from '../events/event-feed.ts';
import { runEvent } from '../events/events.ts';
import type { Accepted, Caller, RunService } from '../service.ts';
import { toRunView } from '../views/run-view.ts';
import {
  createBackgroundRunBody,
  createRunBody,
  createRunQuery,
  idempotencyHeader,
  listRunsQuery,
  runCursor,
  runView,
} from '../views/schemas.ts';
import { stepView, toStepView, withWholeInput } from '../views/step-view.ts';
import { createStreamLimit } from './stream-limit.ts';
import { clientGone, sendStream } from './stream-reply.ts';

/** What the routes stand on. */
export type RunRoutesOptions = {
  runs: RunService;
  feed: EventFeed;
  settings: Pick<Settings, 'inputCharsMax' | 'runTimeoutMs' | 'backgroundTimeoutMs' | 'streamsPerCallerMax' | 'store'>;
  /** Ends every open stream; the process is going away. */
  closing: AbortSignal;
  /** Ends the streams of keys that are over. */
  keyWatch: KeyRevocationWatch;
};

const callerOf = ({ caller, id, headers }: FastifyRequest): Caller => ({
  tenantId: caller.tenantId,
  keyId: caller.keyId,
  requestId: id,
  idempotencyKey: headers['idempotency-key'] as string | undefined,
  spender: spenderOf(caller),
});

/** Budgets of which most is used, as a list of structured fields (RFC 9651), such as `"tenant-usd-day";u=8.2;l=10`. */
function warnOfBudgets(reply: FastifyReply, warnings: readonly LimitUse[]): void {
  if (warnings.length === 0) return;
  const items = warnings.map(
    ({ scope, unit, period, used, limit }) => `"${scope}-${unit}-${period}";u=${decimal(used)};l=${decimal(limit)}`,
  );
  reply.header('budget-warning', items.join(', '));
}

/** A number as structured fields have it: whole, or with at most three digits after the point. */
const decimal = (value: number): string => String(Math.round(value * 1000) / 1000);

function answerEnd(reply: FastifyReply, { run, retryAfterMs }: Extract<AttemptEnd, { type: 'ended' }>) {
  if (run.status === 'completed') return reply.code(200).send(toRunView(run));
  if (run.status === 'requires_action') return reply.code(202).send(toRunView(run));
  const { code, detail } = run.error ?? { code: 'internal', detail: '' };
  return sendProblem(reply, toProblem(code as ErrorCode, detail, reply.request.id, { runId: run.id, retryAfterMs }));
}

const toMs = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
const params = z.object({ id: z.string().max(100) });

/** Where a viewer left off: what the browser's EventSource sends by itself, or what the caller says. */
function lastSeen(request: FastifyRequest, after: number | undefined): number {
  const header = request.headers['last-event-id'];
  return after ?? (typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : 0);
}

/** Runs: creating them, following them, deciding about them, and looking at them. */
export const runRoutes: FastifyPluginAsyncZod<RunRoutesOptions> = async (app, options) => {
  const { runs, feed, settings, closing, keyWatch } = options;
  const creating = { scope: 'run', creates: true } as const;
  const createSchema = {
    body: createRunBody(settings),
    querystring: createRunQuery,
    headers: idempotencyHeader,
    tags: ['runs'],
  };

  function cancelWhenGone(gone: AbortSignal, { run }: Accepted): void {
    const cancel = () => void runs.cancel(run.tenantId, run.id).catch(() => {}); // it ends by itself, then
    if (gone.aborted) cancel();
    else gone.addEventListener('abort', cancel, { once: true });
  }

  const places = createStreamLimit(settings.streamsPerCallerMax);
  const hasPeers = settings.store.databaseUrl !== undefined;

  /** A place for a stream, which is given back when the answer is over, whatever becomes of it. */
  function takePlace(request: FastifyRequest, reply: FastifyReply): void {
    const place = places.take(request.caller.keyId ?? request.ip);
    reply.raw.once('close', () => place[Symbol.dispose]());
  }

  function follow(reply: FastifyReply, run: Accepted['run'], afterSeq: number): FastifyReply {
    const key = keyWatch.watch(reply.request.caller);
    if (reply.raw.closed) key[Symbol.dispose]();
    reply.raw.once('close', () => key[Symbol.dispose]());
    const ended = AbortSignal.any([closing, key.ended, clientGone(reply)]);
    return sendStream(reply, feed.read(run, afterSeq, ended), hasPeers);
  }

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
      const gone = clientGone(reply);
      const accepted = await runs.create(request.body, callerOf(request), 'blocking', gone);
      warnOfBudgets(reply, accepted.warnings);
      if (request.query.on_disconnect === 'cancel') cancelWhenGone(gone, accepted);
      return answerEnd(reply, await runs.ended(accepted));
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
      takePlace(request, reply);
      const gone = clientGone(reply);
      const accepted = await runs.create(request.body, callerOf(request), 'stream', gone);
      await nextTurn(); // the model is asked in this one, which is not to wait for the answer to be set up
      warnOfBudgets(reply, accepted.warnings);
      if (request.query.on_disconnect === 'cancel') cancelWhenGone(gone, accepted);
      runs.ended(accepted).catch(() => {}); // the stream tells the end; this sees that it comes in time
      return follow(reply, accepted.run, 0);
    },
  );

  app.post(
    '/runs',
    {
      config: creating,
      schema: {
        body: createBackgroundRunBody({ ...settings, runTimeoutMs: settings.backgroundTimeoutMs }),
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

  app.get(
    '/runs',
    {
      config: { scope: 'read' },
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
      config: { scope: 'read' },
      schema: {
        operationId: 'getRun',
        summary: 'Look at a run',
        tags: ['runs'],
        params,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toRunView(await runs.get(caller.tenantId, id)),
  );

  app.get(
    '/runs/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'followRun',
        summary: 'Follow a run from any of its events on, or read them as a list (Accept: application/json)',
        tags: ['runs'],
        params,
        querystring: z.strictObject({
          after: z.coerce.number().int().min(0).optional().meta({ description: 'Only events after this number.' }),
        }),
        response: {
          200: pageView(runEvent).meta({ id: 'RunEventPage' }),
          204: z.null().describe('The run has ended and has no further events.'),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const run = await runs.get(request.caller.tenantId, request.params.id);
      const after = lastSeen(request, request.query.after);
      if (request.headers.accept?.includes('application/json')) {
        return { data: await feed.stored(run, after), next_cursor: null };
      }
      if (runs.isFinal(run) && (await feed.stored(run, after)).length === 0) return reply.code(204).send(null);
      takePlace(request, reply);
      return follow(reply, run, after) as never;
    },
  );

  app.get(
    '/runs/:id/steps',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSteps',
        summary: 'Read the journal of a run: each model call and each tool call',
        tags: ['runs'],
        params,
        querystring: z.strictObject({
          expand: z.enum(['input']).optional().meta({ description: 'The whole input of model calls.' }),
        }),
        response: {
          200: z.object({ data: z.array(stepView), next_cursor: z.null() }).meta({ id: 'StepPage' }),
          ...problems,
        },
      },
    },
    async ({ params: { id }, query, caller }) => {
      const steps = (await runs.steps(caller.tenantId, id)).map(toStepView);
      return { data: query.expand === 'input' ? withWholeInput(steps) : steps, next_cursor: null };
    },
  );

  app.post(
    '/runs/:id/cancel',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'cancelRun',
        summary: 'Ask for the end of a run',
        tags: ['runs'],
        params,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toRunView(await runs.cancel(caller.tenantId, id)),
  );

  app.post(
    '/runs/:id/decisions',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'decideRun',
        summary: 'Decide about calls for which a run waits',
        tags: ['runs'],
        params,
        body: decisionsBody,
        response: { 200: runView, ...problems },
      },
    },
    async ({ params: { id }, body, caller }) =>
      toRunView(await runs.decide(caller.tenantId, id, body.decisions, caller.keyId ?? 'anonymous')),
  );
};
