/** An agent whose tool leaves an unhandled error behind. */
import { Agent, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

const leaveError = tool({
  name: 'leave_error',
  description: 'Leaves an error behind.',
  parameters: z.object({}),
  execute: async () => {
    const error = new Error('stray 4711');
    if (process.env.STRAY === 'rejection') void Promise.reject(error);
    else
      queueMicrotask(() => {
        throw error;
      });
    return 'left';
  },
});

await serve({ agents: { stray: new Agent({ name: 'stray', tools: [leaveError] }) } });
