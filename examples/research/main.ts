import { serve } from 'agent-service';
import { research } from './research.ts';

await serve({ agents: { research } });
