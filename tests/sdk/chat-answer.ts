import type { ServerResponse } from 'node:http';
import { chatAnswer, chatChunk, chatDone, chatToolCall, chatUsageChunk } from '../support/model-answers.ts';
import { type Answering, argumentsOf } from './response-answer.ts';

/** Answers a request of the Chat Completions API, streamed or whole. */
export function writeChat(response: ServerResponse, { turn, body, number }: Answering): void {
  const { text, calls = [] } = turn;
  const toolCalls = calls.map(({ name, args }, at) => chatToolCall(`call_${number}${at}`, name, argumentsOf(args)));
  const finish = toolCalls.length > 0 ? 'tool_calls' : 'stop';
  response.writeHead(200, { 'content-type': body.stream === true ? 'text/event-stream' : 'application/json' });
  if (body.stream !== true) {
    const message = { content: text ?? null, refusal: null, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) };
    return void response.end(JSON.stringify(chatAnswer(message, finish, { id: `chatcmpl_${number}` })));
  }
  response.write(chatChunk({ role: 'assistant', content: '' }));
  for (const content of text?.match(/.{1,12}/gs) ?? []) response.write(chatChunk({ content }));
  for (const [index, each] of toolCalls.entries()) response.write(chatChunk({ tool_calls: [{ index, ...each }] }));
  response.end(chatChunk({}, finish) + chatUsageChunk + chatDone);
}
