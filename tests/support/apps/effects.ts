/** An agent whose tool writes a line to a file: what happened is seen from outside the process. */
import { appendFileSync } from 'node:fs';
import { Agent, tool } from '@openai/agents';
import { currentCall, effect, serve } from 'agent-service';
import { z } from 'zod';

const file = process.env.EFFECTS_FILE ?? '';
const record = (name: string) =>
  tool({
    name,
    description: 'Writes a line.',
    parameters: z.object({ text: z.string() }),
    execute: async ({ text }) => {
      appendFileSync(file, `${name} ${text} ${currentCall().idempotencyKey}\n`);
      return 'noted';
    },
  });

const tools = [
  effect(record('note'), 'idempotent'),
  effect(record('note_once'), 'once'),
  effect(record('look'), 'read'),
];

await serve({ agents: { worker: new Agent({ name: 'worker', instructions: 'You are the worker.', tools }) } });
