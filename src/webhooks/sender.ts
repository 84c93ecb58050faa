import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../platform/clock.ts';
import { type AddressRule, addressIn } from './address.ts';
import { type Attempt, retryAfterMs } from './delivery-state.ts';

/** How long an attempt may take in all, in ms, from the look-up of the name to the end of the answer. */
export const answerMs = 10_000;
/** How much of an answer's body is read; nothing is made of it. */
export const answerBytesMax = 64 * 1024;

/** Finds the addresses of a host. */
export type Resolve = (
  host: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** What sending stands on. */
export type SenderDeps = {
  isAllowed: AddressRule;
  clock: Pick<Clock, 'nowMs'>;
  /** Defaults to the system's. */
  resolve?: Resolve;
  /** Defaults to `answerMs`. */
  timeoutMs?: number;
};

/** A POST of JSON. */
export type Message = { url: string; headers: Record<string, string>; body: string };

class ForbiddenAddress extends Error {}

/**
 * Sends messages, one connection each. Addresses are judged where a connection is made, and that goes to the very
 * address that was judged: what a name stands for a moment later does not matter. Redirects are answers like others.
 */
export function createSender({ isAllowed, clock, resolve = systemLookup, timeoutMs = answerMs }: SenderDeps) {
  const lookup: LookupFunction = (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, []);
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined) return done(new ForbiddenAddress(), []);
      if (options.all) return done(null, allowed);
      return done(null, first.address, first.family);
    });
  };

  function open({ url, headers, body }: Message, signal: AbortSignal): ClientRequest {
    const target = new URL(url);
    const request = target.protocol === 'https:' ? requestHttps : requestHttp;
    return request(target, {
      method: 'POST',
      agent: false, // no connection is kept, and none of somebody else's used
      lookup,
      signal,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
  }

  const toAttempt = ({ statusCode: status = 0, headers }: IncomingMessage): Attempt => ({
    type: 'answered',
    status,
    retryAfterMs: retryAfterMs(headers['retry-after'], clock.nowMs()),
  });

  function failure(error: Error, signal: AbortSignal, timeout: AbortSignal): Attempt {
    if (error instanceof ForbiddenAddress) return { type: 'forbidden' };
    if (signal.aborted) return { type: 'cut' };
    if (timeout.aborted) return { type: 'failed', reason: `no answer within ${timeoutMs / 1000} s` };
    return { type: 'failed', reason: `not reached: ${codeOf(error)}` };
  }

  /** Never rejects. An answer counts from its status line on; `signal` cuts the attempt short. */
  return async (message: Message, signal: AbortSignal): Promise<Attempt> => {
    // A host that is an address is not looked up.
    const address = addressIn(new URL(message.url));
    if (address !== null && !isAllowed(address)) return { type: 'forbidden' };
    const timeout = AbortSignal.timeout(timeoutMs);
    return new Promise((done) => {
      const request = open(message, AbortSignal.any([signal, timeout]));
      let attempt: Attempt | null = null;
      request.on('response', (response) => {
        attempt = toAttempt(response);
        drain(response);
      });
      request.on('error', (error) => {
        attempt ??= failure(error, signal, timeout);
      });
      request.on('close', () => done(attempt ?? { type: 'failed', reason: 'closed without an answer' }));
      request.end(message.body);
    });
  };
}

/** Sends messages. */
export type Sender = ReturnType<typeof createSender>;

/** Reads an answer to its end, but no more of it than `answerBytesMax`. */
function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => {}); // it was cut; its status stands
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > answerBytesMax) response.destroy();
  });
}

/** The code of an error of Node's, such as ECONNREFUSED or CERT_HAS_EXPIRED; what else it says may be anything. */
const codeOf = (error: NodeJS.ErrnoException): string =>
  /^[A-Z0-9_]{1,60}$/.test(error.code ?? '') ? `${error.code}` : 'error';
