import type { Model, ModelProvider, ModelRequest, StreamEvent } from '@openai/agents';

/** A stream that ended without its terminal event: what came is a part, and must not be taken for the answer. */
export class StreamTruncatedError extends Error {
  constructor() {
    super('The stream of the model ended before its answer did.');
    this.name = 'StreamTruncatedError';
  }
}

type Chunk = { object?: string; choices?: { finish_reason?: string | null }[] };

/** What the raw events of a Chat Completions stream say about its end; the Responses API's model checks by itself. */
function createEndWatch() {
  let isChat = false;
  let ended = false;
  return {
    see(event: StreamEvent): void {
      if (event.type !== 'model') return;
      const chunk = event.event as Chunk;
      if (chunk.object !== 'chat.completion.chunk') return;
      isChat = true;
      if (chunk.choices?.some(({ finish_reason }) => finish_reason)) ended = true;
    },
    isTruncated: (): boolean => isChat && !ended,
  };
}

async function* wholeStream(inner: Model, request: ModelRequest): AsyncIterable<StreamEvent> {
  const watch = createEndWatch();
  for await (const event of inner.getStreamedResponse(request)) {
    watch.see(event);
    // An abort ends the stream early too; then nobody takes it for an answer.
    if (event.type === 'response_done' && watch.isTruncated() && !request.signal?.aborted)
      throw new StreamTruncatedError();
    yield event;
  }
}

/** A provider whose models never present a part of an answer as the whole: the SDK's Chat Completions model does. */
export const demandWholeAnswers = (inner: ModelProvider): ModelProvider => ({
  async getModel(name) {
    const model = await inner.getModel(name);
    return {
      getResponse: (request) => model.getResponse(request),
      getStreamedResponse: (request) => wholeStream(model, request),
      getRetryAdvice: model.getRetryAdvice?.bind(model),
      supportsPromptModelSelection: model.supportsPromptModelSelection,
    };
  },
});
