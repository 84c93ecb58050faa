import type { AgentInputItem, Model, ModelProvider, ModelRequest, ModelResponse } from '@openai/agents';
import { Usage } from '@openai/agents';
import { assistantMessage, functionCall } from '@openai/agents/testing';

type StubCall = { call: string; args?: Record<string, unknown>; id: string };

/** The stub's reply to a request: text, or calls of tools and other output items of the SDK. */
export type StubReply = string | (StubCall | { item: object })[];

/** Tokens of every call of the stub. */
export const stubTokens = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };

/** The input of a request as items. */
export const itemsOf = (request: ModelRequest): AgentInputItem[] =>
  typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input;

/** Whether this request has the result of a tool. */
export const hasToolResult = (request: ModelRequest): boolean =>
  itemsOf(request).some((item) => item.type === 'function_call_result');

/** A model in memory that answers with the replies of a function, and keeps its requests. */
export function createStubModel(reply: (request: ModelRequest) => StubReply | Promise<StubReply>) {
  const requests: ModelRequest[] = [];
  async function respond(request: ModelRequest): Promise<ModelResponse> {
    requests.push(request);
    request.signal?.throwIfAborted();
    const replied = await reply(request);
    const output =
      typeof replied === 'string'
        ? [assistantMessage(replied)]
        : replied.map((one) =>
            'item' in one
              ? (one.item as ModelResponse['output'][number])
              : functionCall(one.call, one.args ?? {}, { callId: one.id }),
          );
    return { usage: new Usage({ ...stubTokens }), output, responseId: `resp_${requests.length}` };
  }
  const model: Model = {
    getResponse: respond,
    async *getStreamedResponse(request) {
      const response = await respond(request);
      yield { type: 'response_started' };
      for (const item of response.output) {
        if (item.type !== 'message' || item.role !== 'assistant') continue;
        for (const part of item.content) {
          if (part.type !== 'output_text') continue;
          for (const delta of part.text.split(/(?<= )/)) yield { type: 'output_text_delta', delta };
        }
      }
      const usage = { ...stubTokens, requests: 1 };
      yield {
        type: 'response_done',
        response: { id: response.responseId ?? '', output: response.output as never, usage },
      };
    },
  };
  const provider: ModelProvider = { getModel: async () => model };
  return { model, provider, requests, calls: () => requests.length };
}
