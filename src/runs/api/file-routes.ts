import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sendDownload } from '../../platform/http/download.ts';
import { problems } from '../../platform/http/problem.ts';
import type { RunService } from '../service.ts';
import { fileParams } from './schemas.ts';

/** Serves the files that the answers of a run hold. */
export const fileRoutes: FastifyPluginAsyncZod<{ runs: RunService }> = async (app, { runs }) => {
  app.get(
    '/runs/:id/files/:file',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getRunFile',
        summary: 'Download a file that an answer of a run holds, such as a generated image',
        tags: ['runs'],
        params: fileParams,
        response: { 200: z.unknown().meta({ id: 'FileContent', description: 'The bytes of the file.' }), ...problems },
      },
    },
    async ({ params: { id, file }, caller }, reply) => sendDownload(reply, await runs.file(caller.tenantId, id, file)),
  );
};
