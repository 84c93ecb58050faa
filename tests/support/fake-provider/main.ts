/**
 * The fake provider as a process: `node tests/support/fake-provider/main.ts [--port 0] [--api-key key]
 * [--models gpt-4.1,gpt-4.1-mini] [--fresh-ids] [--slow-ms 100] [--vllm-max-num-seqs 64]`. Prints one JSON line `{"url","controlUrl"}` when it is ready. Ends
 * on SIGTERM and SIGINT, and when its standard input is a pipe whose other end goes away.
 */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'api-key': { type: 'string' },
    models: { type: 'string' },
    'fresh-ids': { type: 'boolean', default: false },
    'vllm-max-num-seqs': { type: 'string' },
    'slow-ms': { type: 'string', default: '0' },
  },
});

/** Whether the other end of the standard input is a process; it may also be a terminal or /dev/null. */
function isInputPiped(): boolean {
  const input = fstatSync(process.stdin.fd);
  return input.isFIFO() || input.isSocket();
}

const maxNumSeqs = values['vllm-max-num-seqs'];
const server = await startServer({
  port: Number(values.port),
  apiKey: values['api-key'],
  models: values.models?.split(','),
  freshIds: values['fresh-ids'],
  vllm: maxNumSeqs === undefined ? undefined : { maxNumSeqs: Number(maxNumSeqs) },
  slowMs: Number(values['slow-ms']),
});

async function exit(): Promise<void> {
  await server.stop();
  process.exit(0);
}

process.once('SIGTERM', exit);
process.once('SIGINT', exit);
if (isInputPiped()) process.stdin.once('close', exit).resume();

process.stdout.write(`${JSON.stringify({ url: server.url, controlUrl: server.controlUrl })}\n`);
