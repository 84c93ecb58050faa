/** Agents whose runs have options: of the service, of a request, and of their session. `CONTINUE_WITH` is that of sessions. */
import { Agent, handoff, type InputGuardrail, tool } from '@openai/agents';
import { effect, type RunnerOptions, type ServeOptions, serve } from 'agent-service';
import { z } from 'zod';

const look = effect(
  tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: async () => 'seen' }),
  'read',
);

const seat = new Agent({ name: 'Seat', instructions: 'I am Seat.' });
const desks = [1, 2].map(() => new Agent({ name: 'Desk', instructions: 'I am a desk.' }));
const triage = new Agent({
  name: 'Triage',
  instructions: 'I am Triage.',
  model: 'gpt-own',
  handoffs: process.env.WITHOUT_SEAT ? desks : [handoff(seat), ...desks],
  tools: [look],
});

const noSecrets: InputGuardrail = {
  name: 'no-secrets',
  execute: async ({ input }) => ({ tripwireTriggered: JSON.stringify(input).includes('secret'), outputInfo: null }),
};

const runner: RunnerOptions = {
  maxTurns: 4,
  modelSettings: { temperature: 0.3 },
  inputGuardrails: [noSecrets],
  on: { agent_start: (_context, { name }) => process.stdout.write(`${JSON.stringify({ msg: `${name} starts` })}\n`) },
};

await serve({
  agents: { triage },
  runner,
  models: { triage: ['gpt-small', 'gpt-large'] },
  sessions: { continueWith: process.env.CONTINUE_WITH as NonNullable<ServeOptions['sessions']>['continueWith'] },
});
