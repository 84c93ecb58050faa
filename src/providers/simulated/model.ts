/** The simulated model: the SDK's `Model` over `decide`. */
import { createHash } from 'node:crypto';
import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import type { Clock } from '../../platform/clock.ts';
import { answerText } from './answer.ts';
import { callablesOf } from './callable-tools.ts';
import { type Conversation, readConversation } from './conversation.ts';
import { type Decision, decide } from './decide.ts';
import type { Schema } from './schema.ts';
import { structuredAnswer } from './structured.ts';
import { simulatedUsage } from './usage.ts';

/** Dependencies of the model; `wordDelayMs` is the delay before each word of a stream. */
export type SimulatedModelDeps = { clock: Clock; wordDelayMs: number };

type ResponseDone = Extract<StreamEvent, { type: 'response_done' }>['response'];
type Output = ResponseDone['output'];

/** The SDK's response, with the fields that this model always sets. */
type Response = ModelResponse & { output: Output; responseId: string };

/** Creates the model. Equal requests get equal responses, ids included. A stream has the same words as the response. */
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
  const callables = callablesOf(request);
  const decision = decide(conversation, callables, request.modelSettings.toolChoice);
  const digest = digestOf(request, conversation);
  const output =
    decision.type === 'call'
      ? [functionCall(decision, `call_simulated_${conversation.callIds.size + 1}_${digest}`)]
      : [message(inOutputType(answerText(decision, conversation, callables), conversation, request))];
  const usage = simulatedUsage(request, output);
  return { output, usage, responseId: `resp_simulated_${digest}`, providerData: { simulated: true } };
}

/** The answer in the output type of the agent: as text, or as JSON. */
function inOutputType(text: string, conversation: Conversation, { outputType }: ModelRequest): string {
  if (outputType === 'text') return text;
  return JSON.stringify(structuredAnswer(outputType.schema as Schema, conversation, text));
}

/**
 * A digest of the messages, the calls and the previous response, so that no id is used twice in a conversation. Not a
 * digest of the input itself: the SDK orders the keys of streamed items differently.
 */
function digestOf({ systemInstructions, input, previousResponseId }: ModelRequest, conversation: Conversation): string {
  const { callIds, ...content } = conversation;
  const identity = JSON.stringify([systemInstructions, previousResponseId, input.length, content, [...callIds]]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

const message = (text: string): Output[number] => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});

type Call = Extract<Decision, { type: 'call' }>;

const functionCall = ({ callable, arguments: values }: Call, callId: string): Output[number] => ({
  type: 'function_call',
  name: callable.name,
  ...(callable.namespace === undefined ? {} : { namespace: callable.namespace }),
  callId,
  status: 'completed',
  arguments: JSON.stringify(values),
});
