/**
 * A model provider that costs next to nothing, in a process of its own: it speaks as much of the Responses API as the
 * measurement needs. A request with a tool gets a call of it, and then, with the result, the answer. Streams send a
 * token every few ms (`TOKEN_PACE_MS`, default 5), as a fast model does.
 */
import { createServer, type ServerResponse } from 'node:http';
import { answerInWords, answerWithCall, streamedAnswer } from './answers.ts';

const paceMs = Number(process.env.TOKEN_PACE_MS ?? 5);
let requests = 0;

function stream(response: ServerResponse, id: string): void {
  const { before, tokens, after } = streamedAnswer(id);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': `req_${id}` });
  response.write(before);
  let sent = 0;
  const pace = setInterval(() => {
    response.write(tokens[sent]);
    sent += 1;
    if (sent < tokens.length) return;
    clearInterval(pace);
    response.end(after);
  }, paceMs);
  response.once('close', () => clearInterval(pace));
}

function answer(body: string, response: ServerResponse): void {
  requests += 1;
  const id = requests.toString(16).padStart(24, '0');
  if (body.includes('"stream":true')) stream(response, id);
  else answerWhole(body, response, id);
}

function answerWhole(body: string, response: ServerResponse, id: string): void {
  const callsTool = body.includes('"name":"lookup_order"') && !body.includes('"function_call_output"');
  const text = callsTool ? answerWithCall(id) : answerInWords(id);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-request-id': `req_${id}`,
  });
  response.end(text);
}

const server = createServer((request, response) => {
  if (request.method === 'GET') return void response.end('{"object":"list","data":[]}'); // what health checks ask for
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => answer(body, response));
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
