import { type ModelProvider, OpenAIProvider } from '@openai/agents';
import type OpenAI from 'openai';
import type { Service } from '../../platform/lifecycle.ts';
import { isPlain, type ModelConnection } from './connection.ts';
import { createLeanClient } from './lean-client.ts';
import { createOpenAiClient } from './openai-client.ts';

/** Models of one server. It works from the beginning; `stop` waits for the calls under way and closes connections. */
export type ModelClient = ModelProvider &
  Service & { /** Which client it is. */ readonly transport: 'lean' | 'openai' };

/**
 * The SDK's own models over one server, by the lean client or by the `openai` client, whichever the connection needs.
 * Calls are sent once: retries are up to others. A fault is an `APIError` of the `openai` package, or one of its kinds:
 * `ModelCallTimeoutError`, `TruncatedAnswerError`, `MalformedAnswerError`.
 *
 * A stream whose signal is aborted ends quietly, as the `openai` client's does, and the SDK's Chat Completions model then
 * tells what came as if it were the answer: whoever aborts must not take it for one.
 *
 * @param wrap what the SDK's models call instead of the client itself. Defaults to the client
 */
export function createModelClient(connection: ModelConnection, wrap = (client: OpenAI): OpenAI => client): ModelClient {
  const lean = connection.transport !== 'openai' && isPlain(connection);
  const { sdk, stop } = lean ? createLeanClient(connection) : createOpenAiClient(connection);
  const models = new OpenAIProvider({ openAIClient: wrap(sdk), useResponses: connection.api === 'responses' });
  return {
    name: 'model client',
    transport: lean ? 'lean' : 'openai',
    getModel: (name) => models.getModel(name),
    start: async () => {},
    stop,
  };
}
