import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { fromCursor, pageQuery, pageView, toCursor } from '../platform/http/paging.ts';
import { problems } from '../platform/http/problem.ts';
import type { Settings } from '../platform/settings/settings.ts';
import {
  countingHook,
  historyItemsMax,
  idempotencyHeader,
  importBody,
  inputBodyBytesMax,
  sessionIdSchema,
} from '../runs/index.ts';
import { itemCursor, sessionCursor, sessionItemView, sessionView } from './schemas.ts';
import { type SessionService, toSessionItemView, toSessionView } from './service.ts';

const params = z.object({ id: sessionIdSchema });

type SessionRoutes = FastifyPluginAsyncZod<{
  sessions: SessionService;
  settings: Pick<Settings, 'inputCharsMax' | 'inputPartsMax' | 'inputBytesMax'>;
}>;

const readRoutes: SessionRoutes = async (app, { sessions }) => {
  app.get(
    '/sessions',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSessions',
        summary: 'List sessions, the one that changed last first',
        tags: ['sessions'],
        querystring: z.strictObject(pageQuery),
        response: { 200: pageView(sessionView).meta({ id: 'SessionPage' }), ...problems },
      },
    },
    async ({ query, caller }) => {
      const page = await sessions.list(caller.tenantId, query.limit, fromCursor(sessionCursor, query.cursor));
      return { data: page.data.map(toSessionView), next_cursor: toCursor(page.next) };
    },
  );

  app.get(
    '/sessions/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getSession',
        summary: 'Look at a session',
        tags: ['sessions'],
        params,
        response: { 200: sessionView, ...problems },
      },
    },
    async ({ params: { id }, caller }) => toSessionView(await sessions.get(caller.tenantId, id)),
  );

  app.get(
    '/sessions/:id/items',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSessionItems',
        summary: 'Read a conversation, in order',
        tags: ['sessions'],
        params,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageView(sessionItemView).meta({ id: 'SessionItemPage' }), ...problems },
      },
    },
    async ({ params: { id }, query, caller }) => {
      const after = fromCursor(itemCursor, query.cursor);
      const page = await sessions.items(caller.tenantId, id, query.limit, after?.seq ?? 0);
      const next = page.next === null ? null : { seq: page.next };
      return { data: page.data.map(toSessionItemView), next_cursor: toCursor(next) };
    },
  );
};

const deleteRoute: SessionRoutes = async (app, { sessions }) => {
  app.delete(
    '/sessions/:id',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'deleteSession',
        summary: 'Delete a session with all that belongs to it: its items and its runs',
        tags: ['sessions'],
        params,
        response: { 204: z.null(), ...problems },
      },
    },
    async ({ params: { id }, caller }, reply) => {
      await sessions.delete(caller.tenantId, id);
      return reply.code(204).send(null);
    },
  );
};

const importRoute: SessionRoutes = async (app, { sessions, settings }) => {
  app.post(
    '/sessions/:id/items',
    {
      config: { scope: 'admin' },
      bodyLimit: inputBodyBytesMax(settings),
      preValidation: countingHook(settings.inputPartsMax, historyItemsMax),
      schema: {
        operationId: 'importSessionItems',
        summary: 'Import an existing conversation at the end of a session, which is created if it is new',
        tags: ['sessions'],
        params,
        headers: idempotencyHeader,
        body: importBody(settings),
        response: { 200: sessionView, ...problems },
      },
    },
    async ({ params: { id }, body, headers, caller }) =>
      toSessionView(await sessions.importItems(caller.tenantId, id, body, headers['idempotency-key'])),
  );
};

/** Sessions: read, delete and import. */
export const sessionRoutes: SessionRoutes = async (app, options) => {
  await readRoutes(app, options);
  await deleteRoute(app, options);
  await importRoute(app, options);
};
