/** What a hand-written server around the SDK is: the yardstick of the figures. No store, no limits, no life cycle. */
import { createServer } from 'node:http';
import { Agent, run, setTracingDisabled } from '@openai/agents';

setTracingDisabled(true);
const agent = new Agent({ name: 'bare', instructions: 'You are helpful.' });

const server = createServer(async (request, response) => {
  if (request.method === 'GET') return response.end('{"status":"healthy"}');
  let body = '';
  for await (const chunk of request) body += chunk;
  const result = await run(agent, (JSON.parse(body) as { message: string }).message);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ response: result.finalOutput }));
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(
    `${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` })}\n`,
  );
});
