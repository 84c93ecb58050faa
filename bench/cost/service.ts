/** The service under measurement: the whole program that its user writes. */
import { serve } from 'agent-service';
import { plain, tooled } from './agents.ts';

await serve({ agents: { plain, tooled } });
