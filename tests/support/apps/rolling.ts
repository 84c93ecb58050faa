/** The tools of `effects.ts`, and one that a person must approve. */
import { appendFileSync } from 'node:fs';
import { Agent, tool } from '@openai/agents';
import { currentCall, effect, serve } from 'agent-service';
import { z } from 'zod';

const file = process.env.EFFECTS_FILE ?? '';

const record = (name: string, repeating: Parameters<typeof effect>[1], needsApproval: boolean) =>
  effect(
    tool({
      name,
      description: 'Writes a line.',
      parameters: z.object({ text: z.string() }),
      needsApproval,
      execute: async ({ text }) => {
        appendFileSync(file, `${name} ${text} ${currentCall().idempotencyKey}\n`);
        return 'noted';
      },
    }),
    repeating,
  );

const tools = [record('note', 'idempotent', false), record('look', 'read', false), record('pay', 'idempotent', true)];

await serve({ agents: { worker: new Agent({ name: 'worker', instructions: 'You are the worker.', tools }) } });
