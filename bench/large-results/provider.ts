/** A model provider in a process of its own: it has the tool called that the last message names, and then answers. */
import { createServer } from 'node:http';

const send = (id: number, message: object, reason: string) => ({
  id: `chatcmpl-${id}`,
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4.1',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: reason }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
let calls = 0;

function answerTo(body: string) {
  const { messages } = JSON.parse(body) as { messages: { role: string; content: unknown }[] };
  calls += 1;
  const last = messages.at(-1);
  const word = typeof last?.content === 'string' ? last.content : '';
  if (last?.role !== 'user' || word === 'nothing') return send(calls, { content: 'It is sunny.' }, 'stop');
  const called = { name: 'look', arguments: JSON.stringify({ what: word }) };
  const tool_calls = [{ id: `call_${calls}`, type: 'function', function: called }];
  return send(calls, { content: null, tool_calls }, 'tool_calls');
}

/** The same as a stream of chunks. */
function chunksOf({ choices: [choice], ...rest }: ReturnType<typeof send>): string {
  const chunk = (more: object) =>
    `data: ${JSON.stringify({ ...rest, object: 'chat.completion.chunk', usage: null, ...more })}\n\n`;
  const { tool_calls, ...message } = (choice?.message ?? {}) as { tool_calls?: object[] };
  const delta = { ...message, ...(tool_calls && { tool_calls: tool_calls.map((call) => ({ index: 0, ...call })) }) };
  return [
    chunk({ choices: [{ index: 0, delta, finish_reason: null }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: choice?.finish_reason }] }),
    chunk({ choices: [], usage: rest.usage }),
    'data: [DONE]\n\n',
  ].join('');
}

const server = createServer((request, response) => {
  if (request.method === 'GET') return void response.end('{"object":"list","data":[]}');
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const isStream = body.includes('"stream":true');
    response.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json');
    response.end(isStream ? chunksOf(answerTo(body)) : JSON.stringify(answerTo(body)));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
