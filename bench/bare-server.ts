/**
 * What a hand-written server around the SDK is: the yardstick of the figures. No store, no limits, no checks, no life
 * cycle; the SDK's default runner with the `openai` client as the SDK makes it from the environment, tracing off.
 * `POST /run` answers JSON, `POST /run/stream` server-sent events.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { run, setTracingDisabled } from '@openai/agents';
import { plain, tooled } from './cost/agents.ts';

setTracingDisabled(true);
const agents = { plain, tooled };

type Body = { message: string; agent?: keyof typeof agents };

async function readBody(request: IncomingMessage): Promise<Body> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text) as Body;
}

async function answer({ message, agent = 'plain' }: Body, response: ServerResponse): Promise<void> {
  const result = await run(agents[agent], message);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ response: result.finalOutput }));
}

async function answerStreamed({ message, agent = 'plain' }: Body, response: ServerResponse): Promise<void> {
  const result = await run(agents[agent], message, { stream: true });
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for await (const event of result) {
    if (event.type !== 'raw_model_stream_event' || event.data.type !== 'output_text_delta') continue;
    response.write(`event: delta\ndata: ${JSON.stringify({ delta: event.data.delta })}\n\n`);
  }
  response.end(`event: done\ndata: ${JSON.stringify({ response: result.finalOutput })}\n\n`);
}

const server = createServer(async (request, response) => {
  if (request.method === 'GET') return response.end('{"status":"healthy"}');
  try {
    const body = await readBody(request);
    await (request.url === '/run/stream' ? answerStreamed(body, response) : answer(body, response));
  } catch (error) {
    if (!response.headersSent) response.statusCode = 500;
    response.end(JSON.stringify({ error: String(error) }));
  }
});
server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(
    `${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })}\n`,
  );
});
process.once('SIGTERM', () => process.exit(0));
