/**
 * A receiver of webhooks as users write one: an HTTP server that verifies what it gets with the library of the Standard
 * Webhooks specification.
 *
 *   await using receiver = await startReceiver();
 *   await service.post('/api/v1/runs', { message: 'Hi', webhook: { url: receiver.url } });
 *   const { payload } = await receiver.received(({ payload }) => payload.type === 'run.completed');
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { waitMsMax } from './limits.ts';

/** What the tests sign with. */
export const signingSecret = `whsec_${Buffer.alloc(32, 'agent').toString('base64')}`;

/** The body of a delivery. */
export type Payload = { type: string; timestamp: string; data: { run: Record<string, unknown> & { run_id: string } } };
/** One request, whose signature was right. */
export type Received = { id: string; payload: Payload; body: string; headers: IncomingMessage['headers'] };

type Answer = (response: ServerResponse, received: Received) => void;

/** A receiver under test. */
export type WebhookReceiver = AsyncDisposable & {
  readonly url: string;
  /** Everything that was received so far, in order. */
  readonly all: readonly Received[];
  /** Resolves with the first request, past or to come, for which the predicate holds. */
  received(predicate: (received: Received) => boolean): Promise<Received>;
  /** How it answers from now on; 204 at first. */
  answer(how: Answer): void;
  /** Ends every connection and refuses new ones. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
};

/** Starts a receiver on a free port of this machine; requests whose signature is wrong are answered 401 and not kept. */
export async function startReceiver(secret = signingSecret): Promise<WebhookReceiver> {
  const webhook = new Webhook(secret);
  const all: Received[] = [];
  const listeners = new Set<(received: Received) => void>();
  let answer: Answer = (response) => void response.writeHead(204).end();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { headers } = request;
    let payload: Payload;
    try {
      payload = webhook.verify(body, headers as Record<string, string>) as Payload;
    } catch {
      return void response.writeHead(401).end();
    }
    const received = { id: `${headers['webhook-id']}`, payload, body, headers };
    all.push(received);
    answer(response, received);
    for (const listener of listeners) listener(received);
  }

  let server: Server | null = null;
  const listen = async (port: number): Promise<number> => {
    const opened = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
    opened.listen(port, '127.0.0.1');
    await once(opened, 'listening');
    server = opened;
    return (opened.address() as AddressInfo).port;
  };
  const down = async (): Promise<void> => {
    const closing = server;
    server = null;
    if (closing === null) return;
    closing.close();
    closing.closeAllConnections();
    await once(closing, 'close');
  };
  const port = await listen(0);

  return {
    url: `http://127.0.0.1:${port}/hook`,
    all,
    received(predicate) {
      const past = all.find(predicate);
      if (past) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const limit = AbortSignal.timeout(waitMsMax);
        const listen = (received: Received) => {
          if (!predicate(received)) return;
          listeners.delete(listen);
          resolve(received);
        };
        listeners.add(listen);
        limit.addEventListener('abort', () => {
          if (listeners.delete(listen)) reject(new Error(`The delivery did not come; others: ${JSON.stringify(all)}`));
        });
      });
    },
    answer(how) {
      answer = how;
    },
    down,
    up: async () => void (await listen(port)),
    [Symbol.asyncDispose]: down,
  };
}
