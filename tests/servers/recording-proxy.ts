/** A proxy between the service and a model server that keeps the bytes of both. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { type Exchange, shapeOf } from './capture.ts';

/** A running proxy. */
export type RecordingProxy = {
  baseUrl: string;
  /** The exchanges since the last call, in the order of their requests; those of other methods than POST are left out. */
  take(): Exchange[];
  [Symbol.asyncDispose](): Promise<void>;
};

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Hands an answer on, piece by piece, and keeps it. */
function relay(answer: IncomingMessage, response: ServerResponse, exchange: Exchange | undefined): void {
  const { statusCode = 502, headers } = answer;
  if (exchange) {
    exchange.status = statusCode;
    exchange.contentType = headers['content-type'] ?? null;
  }
  const { connection, 'keep-alive': keepAlive, 'transfer-encoding': encoding, ...kept } = headers;
  response.writeHead(statusCode, kept);
  // A piece that ends within a character gives the rest of it to the next.
  const decoder = new StringDecoder('utf8');
  const keep = (text: string) => text !== '' && exchange?.chunks.push(text);
  answer.on('data', (piece: Buffer) => {
    keep(decoder.write(piece));
    response.write(piece);
  });
  answer.on('end', () => {
    keep(decoder.end());
    response.end();
  });
  answer.on('error', () => response.destroy());
}

/** Starts a proxy before the server at `baseUrl`, on a free port of 127.0.0.1. */
export async function startRecordingProxy(baseUrl: string): Promise<RecordingProxy> {
  const target = new URL(baseUrl);
  let exchanges: Exchange[] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = '', headers } = incoming;
    const body = await bodyOf(incoming);
    const exchange: Exchange | undefined =
      method === 'POST'
        ? { path, request: shapeOf(body.toString()), status: 0, contentType: null, chunks: [], brokenOff: false }
        : undefined;
    if (exchange) exchanges.push(exchange);
    const { connection, ...kept } = headers;
    // A connection each: a server may close one that is kept just when it is used again.
    const sent = request(new URL(path, target), { agent: false, method, headers: { ...kept, host: target.host } });
    sent.on('response', (answer) => relay(answer, response, exchange));
    sent.on('error', () => response.destroy());
    response.on('close', () => {
      if (response.writableFinished) return;
      if (exchange) exchange.brokenOff = true;
      sent.destroy();
    });
    sent.end(body);
  }

  const http = createServer((incoming, response) => void handle(incoming, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}${target.pathname}`,
    take() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
