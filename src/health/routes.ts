import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from '../platform/errors.ts';
import { problemView } from '../platform/http/problem.ts';
import type { Health } from './service.ts';

const healthy = z.object({ status: z.literal('healthy') }).meta({ id: 'Healthy' });
const ready = z
  .union([z.object({ status: z.literal('ready') }), z.object({ status: z.literal('degraded'), reason: z.string() })])
  .meta({ id: 'Ready' });

/** Liveness and readiness, for probes and load balancers: without a key, a rate limit, a log line or a wait. */
export const healthRoutes: FastifyPluginAsyncZod<{ health: Pick<Health, 'readiness'> }> = async (app, { health }) => {
  app.get(
    '/healthz',
    {
      logLevel: 'warn',
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags: ['health'],
        response: { 200: healthy },
      },
    },
    async () => ({ status: 'healthy' as const }),
  );

  app.get(
    '/readyz',
    {
      logLevel: 'error',
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the process can take requests',
        tags: ['health'],
        response: { 200: ready, 503: problemView },
      },
    },
    async () => {
      const readiness = health.readiness();
      if (readiness.state === 'not_ready') throw new ServiceError('not_ready', { reason: readiness.reason });
      if (readiness.state === 'degraded') return { status: 'degraded' as const, reason: readiness.reason };
      return { status: 'ready' as const };
    },
  );
};
