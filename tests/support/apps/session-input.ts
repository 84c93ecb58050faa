/** An agent that is sent the last two items of its session, and how many there were before; or none, as users say. */
import { Agent } from '@openai/agents';
import { serve } from 'agent-service';

await serve({
  agents: { helper: new Agent({ name: 'helper', instructions: 'You are a helper.' }) },
  sessionInput: (history, newItems) => {
    if (JSON.stringify(newItems).includes('break it')) throw new RangeError('secret 4711');
    const note = { role: 'system' as const, content: `${history.length} items were said before.` };
    return [note, ...history.slice(-2), ...newItems];
  },
});
