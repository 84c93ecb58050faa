/** Gives the bytes of a capture to the service's own client and validator, and tells what comes of them. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type Model, type ModelRequest, type ModelResponse, setTracingDisabled, withTrace } from '@openai/agents';
import { AnswerValidator } from '../../src/providers/chain/faults/answer-validation.ts';
import { classifyFault } from '../../src/providers/chain/faults/provider-fault.ts';
import { createModelClient } from '../../src/providers/transport/index.ts';
import { requestOf } from '../support/model-calls.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import type { Exchange, ReplayOutcome } from './capture.ts';
import type { ServedApi } from './definition.ts';

setTracingDisabled(true);

type Item = {
  type?: string;
  role?: string;
  name?: string;
  arguments?: string;
  content?: { type: string; text?: string }[];
};

function answerOf({ output, usage }: Pick<ModelResponse, 'output' | 'usage'>): ReplayOutcome {
  const items = output as Item[];
  const texts = items.flatMap(({ role, content }) => (role === 'assistant' ? (content ?? []) : []));
  return {
    text: texts.map(({ text }) => text ?? '').join(''),
    toolCalls: items
      .filter(({ type }) => type === 'function_call')
      .map(({ name = '', arguments: text = '' }) => ({ name, arguments: text })),
    usage: { input: usage.inputTokens, output: usage.outputTokens },
  };
}

/** Reads a streamed answer. Where its deltas do not add up to its text, the outcome says so. */
async function readStream(model: Model, request: ModelRequest): Promise<ReplayOutcome> {
  let deltas = '';
  let answer: ReplayOutcome | undefined;
  const validator = new AnswerValidator(request, false);
  for await (const received of model.getStreamedResponse(request)) {
    const event = validator.check(received);
    if (event.type === 'output_text_delta') deltas += event.delta;
    if (event.type === 'response_done') answer = answerOf(event.response as never);
  }
  if (answer === undefined) return { fault: 'no end', status: null };
  return 'text' in answer && answer.text !== deltas ? { ...answer, deltas } : answer;
}

/** Writes pieces one after the other, each as a packet of its own as far as the system lets it. */
async function writePieces(response: ServerResponse, pieces: readonly Buffer[], isCut: boolean): Promise<void> {
  for (const piece of pieces) {
    if (!response.write(piece)) await once(response, 'drain');
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (isCut) response.destroy();
  else response.end();
}

/** How the bytes are cut: as they arrived, or into pieces of so many bytes. */
export type Cut = 'as captured' | number;

function piecesOf({ chunks }: Exchange, cut: Cut): Buffer[] {
  if (cut === 'as captured') return chunks.map((text) => Buffer.from(text));
  const bytes = Buffer.from(chunks.join(''));
  const pieces = Math.ceil(bytes.length / cut);
  return Array.from({ length: pieces }, (_, at) => bytes.subarray(at * cut, (at + 1) * cut));
}

/** What of a recorded request decides how its answer is read. */
type SentRequest = {
  stream?: boolean;
  max_output_tokens?: number;
  max_tokens?: number;
  tools?: { name?: string; function?: { name: string } }[];
};

/** The tools that a recorded request offered: an answer that calls another one is a fault. */
const toolsOf = ({ tools = [] }: SentRequest): ModelRequest['tools'] =>
  tools.map(({ name, function: inner }) => ({
    type: 'function',
    name: name ?? inner?.name ?? '',
    description: '',
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
    strict: false,
  }));

/** What the service makes of an answer. */
export async function replay(api: ServedApi, exchange: Exchange, cut: Cut): Promise<ReplayOutcome> {
  await using server = await startScriptedServer();
  server.respond = (response) => {
    response.writeHead(exchange.status, exchange.contentType ? { 'content-type': exchange.contentType } : {});
    void writePieces(response, piecesOf(exchange, cut), exchange.brokenOff);
  };
  const client = createModelClient({ baseUrl: server.baseUrl, apiKey: 'sk-1', api });
  const sent = exchange.request as SentRequest;
  const { stream, max_output_tokens, max_tokens } = sent;
  // The limit tells whether it has cut the answer, where a server does not say so.
  const request = requestOf({ modelSettings: { maxTokens: max_output_tokens ?? max_tokens }, tools: toolsOf(sent) });
  try {
    const model = await client.getModel('m');
    if (stream) return await readStream(model, request);
    const response = await withTrace('replay', () => model.getResponse(request));
    return answerOf(new AnswerValidator(request, false).checkWhole(response));
  } catch (error) {
    const fault = classifyFault(error, false, 0);
    if (fault === null) throw error;
    return { fault: fault.kind, status: fault.status };
  } finally {
    await client.stop(AbortSignal.abort());
  }
}
