import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { errorBody } from './api-problem.ts';
import type { Recording } from './recorder.ts';
import type { ErrorReply } from './reply.ts';

/** Thrown into whatever waits for an exchange that is over. */
export class ExchangeOver extends Error {}

/** Headers that the real API sends with every answer. */
const usualHeaders = { 'openai-processing-ms': '1', 'openai-version': '2020-10-01' };

/** One request being answered: writing to the client, noticing that it left, breaking the connection. */
export function createExchange(response: ServerResponse, recording: Recording) {
  const over = new AbortController();
  const end = (outcome: 'completed' | 'aborted' | 'faulted') => {
    recording.ended(outcome);
    over.abort(new ExchangeOver());
  };
  response.on('finish', () => end('completed'));
  response.on('close', () => end('aborted')); // After `finish`, and after a fault of ours, this says nothing new.
  response.on('error', () => end('aborted'));

  /** Waits until what was written has left this process. */
  const flush = async () => {
    await setImmediate(); // Node holds back the writes of one tick to send them together.
    if (response.socket && response.socket.writableLength > 0) {
      await once(response.socket, 'drain', { signal: over.signal });
    }
  };

  const head = (status: number, headers: Record<string, string>) => {
    const all = { ...usualHeaders, 'x-request-id': recording.record.requestId, ...headers };
    response.writeHead(status, all);
    response.flushHeaders();
    recording.headersSent(status);
  };

  const send = (status: number, headers: Record<string, string>, body: string) => {
    head(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
    response.end(body);
  };

  return {
    recording,
    /** Aborts when the exchange is over, whichever side ended it. */
    signal: over.signal,
    head,
    /** Writes to the body; waits while the client does not read. */
    async write(data: string): Promise<void> {
      if (over.signal.aborted) throw over.signal.reason;
      if (!response.write(data)) await once(response, 'drain', { signal: over.signal });
    },
    /** Ends the body as HTTP wants it. `faulted`: on purpose too early. */
    end(outcome: 'completed' | 'faulted' = 'completed'): void {
      if (outcome === 'faulted') recording.ended('faulted');
      response.end();
    },
    /** A whole answer in one go. */
    send,
    /** An error in OpenAI's shape. */
    sendError(error: ErrorReply, headers: Record<string, string> = {}): void {
      send(error.status, { 'content-type': 'application/json', ...headers }, JSON.stringify(errorBody(error)));
    },
    /** Closes the connection: `cut` by FIN after what was written, `reset` by RST. */
    async breakOff(kind: 'cut' | 'reset'): Promise<void> {
      await flush();
      recording.ended('faulted');
      if (kind === 'cut') response.socket?.destroySoon();
      else response.socket?.resetAndDestroy();
    },
    /** Drops the connection at once, because the fake goes away or starts anew. */
    drop(): void {
      recording.ended('faulted');
      response.destroy();
    },
  };
}

/** See createExchange. */
export type Exchange = ReturnType<typeof createExchange>;
