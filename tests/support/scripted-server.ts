/** A local HTTP server whose answers are functions of the test, byte by byte. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked. */
export type Asked = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

/** Answers a request, or does not. */
export type Respond = (response: ServerResponse) => void;

/** A running server. */
export type ScriptedServer = {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  /** How all requests are answered from now on. */
  respond: Respond;
  /** The requests so far. */
  readonly asked: Asked[];
  /** Resolves when a connection is closed whose answer has not ended. */
  closed(): Promise<void>;
  /** How many connections there were. */
  connections(): number;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts one on a free port. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  let connections = 0;
  const waiting: (() => void)[] = [];
  const http = createServer((request, response) => {
    response.once('close', () => {
      if (!response.writableFinished) for (const tell of waiting.splice(0)) tell();
    });
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body });
      server.respond(response);
    });
  });
  http.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: ScriptedServer = {
    baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    respond: (response) => response.end('{}'),
    asked,
    closed: () => new Promise((resolve) => void waiting.push(resolve)),
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

/** Answers with JSON, or with a text as it stands. */
export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Respond =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_1', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** Bytes in pieces of these lengths, the last of which is repeated; each is written when the one before is out. */
export function writeInPieces(response: ServerResponse, bytes: Buffer, lengths: readonly number[]): void {
  const write = (from: number, piece: number): void => {
    if (from >= bytes.length) return void response.end();
    const length = Math.max(1, lengths[Math.min(piece, lengths.length - 1)] ?? bytes.length);
    response.write(bytes.subarray(from, from + length), () => setImmediate(write, from + length, piece + 1));
  };
  write(0, 0);
}

/** Answers with a stream of events, in pieces of these lengths; none: in one. */
export const stream =
  (text: string, lengths: readonly number[] = []): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_1' });
    writeInPieces(response, Buffer.from(text), lengths);
  };

/** Begins an answer and closes the connection in the middle of it. */
export const cutOff =
  (text: string, type: string): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': type, 'content-length': '100000', 'x-request-id': 'req_1' });
    response.write(text, () => response.destroy());
  };

/** Begins an answer in events and says nothing more. */
export const hang =
  (text: string): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req_1' });
    response.write(text);
  };
