import { Agent, request as send } from 'node:http';
import { Readable } from 'node:stream';
import { waitMsMax } from '../../support/limits.ts';
import { problemIn } from '../../support/load/honest-error.ts';
import type { Entrance } from './load-balancer.ts';

/** The kinds of requests that the traffic is made of. */
export type RequestKind = 'blocking run' | 'stream' | 'background run' | 'decision' | 'follow' | 'poll';

/** A request that came to nothing, in words: how it failed, and over which connection. */
export type Failure = { request: RequestKind; entrance: Entrance; why: string };

/** What came of the requests of all callers. */
export type Tally = {
  requests: Record<RequestKind, number>;
  failures: Failure[];
  /** Streams that ended with `stream.closing` and were followed on by a request with `Last-Event-ID`. */
  resumed: number;
  /** Blocking runs that outlast the grace and were answered 503 `shutting_down` with the run's id, as is promised. */
  cut: number;
};

/** A tally of nothing yet. */
export const createTally = (): Tally => ({
  requests: { 'blocking run': 0, stream: 0, 'background run': 0, decision: 0, follow: 0, poll: 0 },
  failures: [],
  resumed: 0,
  cut: 0,
});

/** One request. It is sent once: whatever comes of it is counted. */
export type Call = {
  request: RequestKind;
  path: string;
  body?: object;
  headers?: Record<string, string>;
  /** The statuses that are no failure. */
  wanted: number[];
  /** Whether an answer with another status is one that is promised. Defaults to none. */
  isPromised?(status: number, body: string): boolean;
};

/** A whole answer. */
export type Reply = { status: number; body: string };

/**
 * A client that keeps its connections and uses them again, as pools do, and that sends nothing twice. A failure is an
 * answer with a status that was not wanted, and a connection that is refused, reset, silent, or ends before the answer
 * is whole.
 */
export function createCaller(entrance: Entrance, url: string, tally: Tally) {
  const agent = new Agent({ keepAlive: true });

  function note(call: Call, why: string): null {
    tally.failures.push({ request: call.request, entrance, why: `${call.path} ${why}` });
    return null;
  }

  function open({ path, body, headers }: Call): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = {
        agent,
        method: body ? 'POST' : 'GET',
        headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
        timeout: waitMsMax, // a caller that is left waiting is a failure
      };
      const request = send(url + path, options, (message) => {
        const { statusCode: status = 0 } = message;
        const type = message.headers['content-type'] ?? '';
        if (status === 204) message.resume();
        const content = status === 204 ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
        resolve(new Response(content, { status, headers: { 'content-type': type } }));
      });
      request.once('timeout', () => request.destroy(new Error(`silent for ${waitMsMax} ms`)));
      request.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Error(`${error.code ?? error.message}${request.reusedSocket ? ' on a connection used before' : ''}`),
        ),
      );
      request.end(body ? JSON.stringify(body) : undefined);
    });
  }

  async function judged(call: Call, response: Response): Promise<Response | null> {
    if (call.wanted.includes(response.status)) return response;
    const body = await response.text();
    if (call.isPromised?.(response.status, body)) return new Response(body, { status: response.status });
    return note(call, `${response.status} ${problemIn(body).code ?? body}`);
  }

  return {
    entrance,

    /** Sends a request and reads the answer; null if it failed, which is noted. */
    async ask(call: Call): Promise<Reply | null> {
      tally.requests[call.request] += 1;
      try {
        const response = await judged(call, await open(call));
        return response && { status: response.status, body: await response.text() };
      } catch (error) {
        return note(call, (error as Error).message);
      }
    },

    /** Sends a request and has the answer read while it comes; false if it failed, which is noted. */
    async stream(call: Call, read: (response: Response) => Promise<void>): Promise<boolean> {
      tally.requests[call.request] += 1;
      try {
        const response = await judged(call, await open(call));
        if (response) await read(response);
        return response !== null;
      } catch (error) {
        note(call, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
        return false;
      }
    },

    /** Closes the connections. */
    close: (): void => agent.destroy(),
  };
}

/** A client that keeps its connections. */
export type Caller = ReturnType<typeof createCaller>;
