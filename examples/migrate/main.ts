import { serve } from 'agent-service';
import { type Customer, desk } from './agents.ts';

await serve({
  agents: { desk },
  context: ({ metadata }): Customer => ({ name: String(metadata.name ?? 'the customer') }),
});
