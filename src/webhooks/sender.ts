import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../platform/clock.ts';
import { type AddressRule, addressIn } from '../platform/http/public-address.ts';
import { parseRetryAfter } from '../platform/http/retry-after.ts';
import type { Attempt } from './delivery-retry-policy.ts';

/** The time limit of an attempt, in ms, from the DNS lookup to the end of the answer. */
export const answerMs = 10_000;
/** The most bytes that are read of the body of an answer; they are discarded. */
export const answerBytesMax = 64 * 1024;

/** Resolves a host name to its addresses. */
export type Resolve = (
  host: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Dependencies of the sender. */
export type SenderDeps = {
  isAllowed: AddressRule;
  clock: Pick<Clock, 'nowMs'>;
  /** Defaults to the resolver of the system. */
  resolve?: Resolve;
  /** Defaults to `answerMs`. */
  timeoutMs?: number;
};

/** A POST of JSON. */
export type Message = { url: string; headers: Record<string, string>; body: string };

class ForbiddenAddress extends Error {}

/**
 * Sends messages, each over a connection of its own. The address is checked during the lookup for the connection, and the
 * connection goes to the checked address, so that DNS rebinding has no effect. Redirects are not followed.
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
      agent: false, // no connection is kept or shared
      lookup,
      signal,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
  }

  const toAttempt = ({ statusCode: status = 0, headers }: IncomingMessage): Attempt => ({
    type: 'answered',
    status,
    retryAfterMs: parseRetryAfter(headers['retry-after'], clock.nowMs()),
  });

  function failure(error: Error, signal: AbortSignal, timeout: AbortSignal): Attempt {
    if (error instanceof ForbiddenAddress) return { type: 'forbidden' };
    if (signal.aborted) return { type: 'cut' };
    if (timeout.aborted) return { type: 'failed', reason: `no answer within ${timeoutMs / 1000} s` };
    return { type: 'failed', reason: `not reached: ${codeOf(error)}` };
  }

  /** Never rejects. An attempt has an answer once the status line arrives. An abort of `signal` cuts the attempt short. */
  return async (message: Message, signal: AbortSignal): Promise<Attempt> => {
    // A host that is an IP address is not looked up, so it is checked here.
    const address = addressIn(new URL(message.url));
    if (address !== null && !isAllowed(address)) return { type: 'forbidden' };
    const timeout = AbortSignal.timeout(timeoutMs);
    return new Promise((done) => {
      const request = open(message, AbortSignal.any([signal, timeout]));
      let attempt: Attempt | null = null;
      request.on('response', (response) => {
        attempt = toAttempt(response);
        discardBody(response);
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

/** Reads and discards the body of an answer, up to `answerBytesMax`. */
function discardBody(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => {}); // the connection was cut; the status still counts
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > answerBytesMax) response.destroy();
  });
}

/** The code of a Node error, such as ECONNREFUSED or CERT_HAS_EXPIRED. Its message is not passed on: it may hold anything. */
const codeOf = (error: NodeJS.ErrnoException): string =>
  /^[A-Z0-9_]{1,60}$/.test(error.code ?? '') ? `${error.code}` : 'error';
