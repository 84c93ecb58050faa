/** Agents that leave their model to a default or to a stored prompt, for the service and for the SDK's own `run()`. */
import { Agent } from '@openai/agents';

const promptId = 'pmpt_1';

const plain = new Agent({ name: 'plain', instructions: 'Answer.' });
const named = new Agent({ name: 'named', instructions: 'Answer.', model: 'gpt-own' });
const prompt = new Agent({ name: 'prompt', prompt: { promptId, version: '2', variables: { city: 'Oslo' } } });
const promptFunction = new Agent({ name: 'promptFunction', prompt: async () => ({ promptId }) });
const promptAndModel = new Agent({ name: 'promptAndModel', model: 'gpt-own', prompt: { promptId } });
const handsOver = new Agent({ name: 'handsOver', instructions: 'Hand over.', handoffs: [prompt] });
const asks = new Agent({
  name: 'asks',
  prompt: { promptId },
  tools: [plain.asTool({ toolName: 'ask_plain', toolDescription: 'Asks.' })],
});

/** Agents by their names in `serve()`. */
export const modelAgents = { plain, named, prompt, promptFunction, promptAndModel, handsOver, asks };
