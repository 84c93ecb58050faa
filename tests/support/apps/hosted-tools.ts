/** Agents whose tools the provider executes. */
import { serve } from 'agent-service';
import { hostedAgents } from '../hosted-agents.ts';

await serve({ agents: hostedAgents() });
