/** The agents of `model-agents.ts` as a service. */
import { serve } from 'agent-service';
import { modelAgents } from './model-agents.ts';

await serve({ agents: modelAgents });
