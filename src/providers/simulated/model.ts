/** The simulated model: the SDK's `Model` over `decide`. */
import { createHash } from 'node:crypto';
import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import { answerText } from './answer.ts';
import { offersOf } from './callable-tools.ts';
import { type Conversation, readConversation } from './conversation.ts';
import { type Decision, decide } from './decide.ts';
import type { Schema } from './schema.ts';
import { structuredAnswer } from './structured.ts';
import { simulatedUsage } from './usage.ts';

/** What the model uses; `wordDelayMs` is the wait before each word of a stream. */
export type SimulatedModelDeps = { clock: Clock; wordDelayMs: number };

type ResponseDone = Extract<StreamEvent, { type: 'response_done' }>['response'];
type Output = ResponseDone['output'];

/** The SDK's response, with what this model always gives. */
type Response = ModelResponse & { output: Output; responseId: string };

/** Makes the model. Equal requests get equal responses, ids included; a stream has the same words as the response. */
export function createSimulatedModel({ clock, wordDelayMs }: SimulatedModelDeps): Model {
  return {
    async getResponse(request) {
      request.signal?.throwIfAborted();
      return respond(request);
    },
    async *getStreamedResponse(request): AsyncIterable<StreamEvent> {
      const { signal } = request;
      signal?.throwIfAborted();
      const response = respond(request);
      yield { type: 'response_started' };
      for (const delta of textOf(response.output).match(/\s*\S+\s*/g) ?? []) {
        if (wordDelayMs > 0) await clock.sleep(wordDelayMs, signal);
        signal?.throwIfAborted();
        yield { type: 'output_text_delta', delta };
      }
      signal?.throwIfAborted();
      yield { type: 'response_done', response: responseDone(response) };
    },
  };
}

const textOf = (output: Output): string =>
  output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');

const responseDone = ({ responseId, output, usage, providerData }: Response): ResponseDone => ({
  id: responseId,
  output,
  usage: { ...usage }, // an event is plain data
  providerData,
});

function respond(request: ModelRequest): Response {
  const conversation = readConversation(request);
  const offers = offersOf(request);
  const decision = decide(conversation, offers, request.modelSettings.toolChoice);
  const digest = digestOf(request, conversation);
  const output =
    decision.type === 'call'
      ? [functionCall(decision, `call_simulated_${conversation.callIds.size + 1}_${digest}`)]
      : [message(inOutputType(answerText(decision, conversation, offers), conversation, request))];
  const usage = simulatedUsage(request, output);
  return { output, usage, responseId: `resp_simulated_${digest}`, providerData: { simulated: true } };
}

/** The answer as the agent's output type wants it: as it is, or as JSON. */
function inOutputType(text: string, conversation: Conversation, { outputType }: ModelRequest): string {
  if (outputType === 'text') return text;
  return JSON.stringify(structuredAnswer(outputType.schema as Schema, conversation, text));
}

/**
 * Tells requests apart that differ in what was said and done or in which response they continue, so that no id is used
 * twice in a conversation. Not a digest of the input itself: the SDK orders the keys of streamed items differently.
 */
function digestOf({ systemInstructions, input, previousResponseId }: ModelRequest, conversation: Conversation): string {
  const { callIds, ...said } = conversation;
  const asked = JSON.stringify([systemInstructions, previousResponseId, input.length, said, [...callIds]]);
  return createHash('sha256').update(asked).digest('hex').slice(0, 16);
}

const message = (text: string): Output[number] => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});

type Call = Extract<Decision, { type: 'call' }>;

const functionCall = ({ offer, arguments: values }: Call, callId: string): Output[number] => ({
  type: 'function_call',
  name: offer.name,
  ...(offer.namespace === undefined ? {} : { namespace: offer.namespace }),
  callId,
  status: 'completed',
  arguments: JSON.stringify(values),
});
