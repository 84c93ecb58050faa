/** An agent with a tool that holds the event loop: what a user's code must not do, and will. */
import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { Agent, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

const block = tool({
  name: 'block',
  description: 'Holds the event loop.',
  parameters: z.object({ for_ms: z.number() }),
  execute: async ({ for_ms }) => {
    writeSync(1, `${JSON.stringify({ msg: 'blocking' })}\n`); // at once: nothing else gets out before the end
    execFileSync('sleep', [String(for_ms / 1000)]);
    return 'done';
  },
});

await serve({ agents: { blocker: new Agent({ name: 'blocker', instructions: 'Block.', tools: [block] }) } });
