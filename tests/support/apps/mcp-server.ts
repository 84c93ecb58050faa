/**
 * A server of the Model Context Protocol over standard input and output, by hand: one JSON-RPC message a line
 * (https://modelcontextprotocol.io/specification, "Transports"). It offers one tool, which says who called.
 */
import { createInterface } from 'node:readline';

type Message = { id?: number | string; method: string; params?: Record<string, unknown> };

const [name = 'unnamed'] = process.argv.slice(2);

const tool = {
  name: `ask_${name}`,
  description: `Asks the server ${name}.`,
  inputSchema: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
};

const answers: Record<string, (params: Record<string, unknown>) => unknown> = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name, version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': (params) => ({
    content: [{ type: 'text', text: `${name} heard ${(params.arguments as { question: string }).question}` }],
  }),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {} } = JSON.parse(line) as Message;
  if (id === undefined) return; // a notification
  const answer = answers[method];
  const outcome = answer ? { result: answer(params) } : { error: { code: -32601, message: `no method ${method}` } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...outcome })}\n`);
});
