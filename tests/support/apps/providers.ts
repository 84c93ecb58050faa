/** Two agents and, beside what the environment configures, a provider that only one of them has. */
import { Agent } from '@openai/agents';
import { type ProviderOption, serve } from 'agent-service';

const writer = new Agent({ name: 'Writer', instructions: 'You write.' });
const critic = new Agent({ name: 'Critic', instructions: 'You judge.' });

await serve({
  agents: { writer, critic },
  providers: JSON.parse(process.env.PROVIDERS ?? '[]') as ProviderOption[],
});
