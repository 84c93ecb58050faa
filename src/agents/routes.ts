import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../platform/http/problem.ts';
import type { AgentRegistry } from './registry.ts';
import { type AgentViewSettings, agentView, listAgents } from './view.ts';

/** Options of the agent routes. */
export type AgentRoutesOptions = AgentViewSettings & { agents: AgentRegistry };

/** The routes that list the agents. */
export const agentRoutes: FastifyPluginAsyncZod<AgentRoutesOptions> = async (app, { agents, ...settings }) => {
  app.get(
    '/agents',
    {
      config: { scope: 'read' },
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
    async () => ({ data: await listAgents(agents, settings), next_cursor: null }),
  );
};
