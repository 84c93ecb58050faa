import { type ModelProvider, OpenAIProvider } from '@openai/agents';
import type OpenAI from 'openai';
import type { Service } from '../../platform/lifecycle.ts';
import { isPlain, type ModelConnection } from './connection.ts';
import { createKeepingModel } from './keeping-model.ts';
import { createLeanClient } from './lean-client.ts';
import { createOpenAiClient } from './openai-client.ts';

/** The models of one server. Usable before `start`; `stop` waits for active calls and closes the connections. */
export type ModelClient = ModelProvider &
  Service & { /** The kind of client. */ readonly transport: 'lean' | 'openai' };

/**
 * The SDK's own models over one server, with the lean client, or with the `openai` client if the connection needs it.
 * Calls are sent once: retries are up to the caller. A fault is an `APIError` of the `openai` package, or a subclass:
 * `ModelCallTimeoutError`, `TruncatedAnswerError`, `MalformedAnswerError`.
 *
 * A stream whose signal is aborted ends without an error, as that of the `openai` client does. The SDK's Chat Completions
 * model then returns the part that arrived as an answer: a caller that aborts must discard it.
 *
 * @param wrap wraps the client that the SDK's models call. Defaults to the client itself
 */
export function createModelClient(connection: ModelConnection, wrap = (client: OpenAI): OpenAI => client): ModelClient {
  const lean = connection.transport !== 'openai' && isPlain(connection);
  const { sdk, stop } = lean ? createLeanClient(connection) : createOpenAiClient(connection);
  const models = new OpenAIProvider({ openAIClient: wrap(sdk), useResponses: connection.api === 'responses' });
  return {
    name: 'model client',
    transport: lean ? 'lean' : 'openai',
    getModel: async (name) => {
      const model = await models.getModel(name);
      return connection.api === 'chat_completions' ? createKeepingModel(model) : model;
    },
    start: async () => {},
    stop,
  };
}
