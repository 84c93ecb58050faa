import { serve } from 'agent-service';
import { billing, orders } from './agents/specialists.ts';
import { triage } from './agents/triage.ts';

await serve({ agents: { triage, orders, billing }, entry: 'triage' });
