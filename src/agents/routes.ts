import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../platform/http/problem.ts';
import type { AgentRegistry } from './registry.ts';
import { agentView, listAgents } from './view.ts';

/** What the routes show. */
export type AgentRoutesOptions = { agents: AgentRegistry; defaultModel: string };

/** What can be asked. */
export const agentRoutes: FastifyPluginAsyncZod<AgentRoutesOptions> = async (app, { agents, defaultModel }) => {
  app.get(
    '/agents',
    {
      schema: {
        operationId: 'listAgents',
        summary: 'List the agents, with their tools and handoffs',
        tags: ['agents'],
        response: {
          200: z.object({ data: z.array(agentView), next_cursor: z.null() }).meta({ id: 'AgentPage' }),
          ...problems,
        },
      },
    },
    async () => ({ data: await listAgents(agents, defaultModel), next_cursor: null }),
  );
};
