import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { fromCursor, toCursor } from '../platform/http/paging.ts';
import { problems } from '../platform/http/problem.ts';
import { createdKeyView, createKeyBody, keyCursor, keyPageView, keyParams, keysQuery } from './schemas.ts';
import type { KeyService } from './service.ts';
import { toKeyView } from './view.ts';

/** The routes of API keys. They require the scope `admin`. */
export const keyRoutes: FastifyPluginAsyncZod<{ keys: KeyService }> = async (app, { keys }) => {
  app.post(
    '/keys',
    {
      config: { scope: 'admin', creates: true },
      schema: {
        operationId: 'createKey',
        summary: 'Make an API key; the answer is the only one that shows it',
        tags: ['keys'],
        body: createKeyBody,
        response: { 201: createdKeyView, ...problems },
      },
    },
    async ({ body, caller }, reply) => {
      const { key, text } = await keys.create(caller, body);
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...toKeyView(key), key: text });
    },
  );

  app.get(
    '/keys',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listKeys',
        summary: 'List API keys, the last made first, also those that are over',
        tags: ['keys'],
        querystring: keysQuery,
        response: { 200: keyPageView, ...problems },
      },
    },
    async ({ query, caller }) => {
      const before = fromCursor(keyCursor, query.cursor);
      const page = await keys.list(caller, query.tenant, query.limit, before?.id ?? null);
      return { data: page.data.map(toKeyView), next_cursor: toCursor(page.next === null ? null : { id: page.next }) };
    },
  );

  app.delete(
    '/keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'revokeKey',
        summary: 'Revoke an API key for good, within seconds; again changes nothing',
        tags: ['keys'],
        params: keyParams,
        response: { 204: z.null(), ...problems },
      },
    },
    async ({ params: { id }, caller }, reply) => {
      await keys.revoke(caller, id);
      return reply.code(204).send(null);
    },
  );
};
