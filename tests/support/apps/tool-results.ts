/** The agents of `tool-results-agents.ts` as a service. */
import { serve } from 'agent-service';
import { toolResultsAgents } from './tool-results-agents.ts';

await serve({ agents: toolResultsAgents });
