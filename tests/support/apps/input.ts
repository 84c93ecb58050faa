/** One agent, with what a test allows in inputs: the `input` option of `serve()` as JSON in INPUT_OPTION. */
import { Agent } from '@openai/agents';
import { serve } from 'agent-service';

const reader = new Agent({ name: 'reader', instructions: 'You read.', model: 'gpt-4.1' });
const { INPUT_OPTION: option } = process.env;

await serve({ agents: { reader }, ...(option === undefined ? {} : { input: JSON.parse(option) }) });
