/** Agents with hosted tools, for the service (`apps/hosted-tools.ts`) and for the SDK's own `run()` beside it. */
import {
  Agent,
  codeInterpreterTool,
  fileSearchTool,
  hostedMcpTool,
  imageGenerationTool,
  shellTool,
  tool,
  webSearchTool,
} from '@openai/agents';
import { z } from 'zod';

const hosted = () => [
  webSearchTool(),
  fileSearchTool(['vs_1'], { includeSearchResults: true }),
  codeInterpreterTool(),
  imageGenerationTool(),
  hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://docs.example/mcp', requireApproval: 'never' }),
  shellTool({ environment: { type: 'container_auto' } }),
];

const refund = tool({
  name: 'refund',
  description: 'Refunds.',
  parameters: z.object({}),
  needsApproval: true,
  execute: async () => 'refunded',
});

/** The agents, made anew. */
export function hostedAgents() {
  const painter = new Agent({
    name: 'painter',
    instructions: 'You are the painter.',
    model: 'gpt-4.1',
    tools: hosted(),
  });
  const writer = new Agent({ name: 'writer', instructions: 'You are the writer.', model: 'gpt-4.1' });
  const main = new Agent({
    name: 'main',
    instructions: 'You are the main agent.',
    model: 'gpt-4.1',
    tools: [
      ...hosted(),
      refund,
      painter.asTool({ toolName: 'paint', toolDescription: 'Paints.' }),
      // With a listener the SDK has the agent's answer streamed.
      writer.asTool({ toolName: 'write', toolDescription: 'Writes.', onStream: () => {} }),
    ],
  });
  return { main };
}
