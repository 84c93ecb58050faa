import { type Agent, OpenAIProvider, Runner } from '@openai/agents';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plain, tooled } from './agents.ts';
import { text, tokens } from './answers.ts';
import { type Server, startServer } from './sides.ts';

let provider: Server;
let runner: Runner;

beforeAll(async () => {
  provider = await startServer(['bench/cost/provider.ts'], { TOKEN_PACE_MS: '1' });
  const client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: true });
  runner = new Runner({ modelProvider, tracingDisabled: true });
});

afterAll(() => provider.stop());

const ask = (agent: Agent) => runner.run(agent, 'Say fifty words, please.');

test('the lean provider answers an agent without tools at once', async () => {
  const result = await ask(plain as Agent);
  expect(result.finalOutput).toBe(text);
  expect(result.rawResponses.map(({ usage }) => usage.totalTokens)).toEqual([90]);
});

test('the lean provider calls the tool of an agent once, and then answers', async () => {
  const result = await ask(tooled as Agent);
  expect(result.finalOutput).toBe(text);
  expect(result.newItems.map(({ type }) => type)).toEqual([
    'tool_call_item',
    'tool_call_output_item',
    'message_output_item',
  ]);
});

test('the lean provider streams token by token', async () => {
  const result = await runner.run(plain as Agent, 'Say fifty words, please.', { stream: true });
  const deltas: string[] = [];
  for await (const event of result) {
    if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta')
      deltas.push(event.data.delta);
  }
  expect(deltas).toEqual(tokens);
  expect(result.finalOutput).toBe(text);
});
