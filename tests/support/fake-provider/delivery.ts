import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';
import type { FailureWords, Rendering } from './frame.ts';
import type { Holds } from './holds.ts';
import { type Fault, type Hold, holdsOf, type Reply } from './reply.ts';

/** What a provider that fails in the middle says, unless the reply has its own words. */
const usualFailure: FailureWords = {
  code: 'server_error',
  message: 'The server had an error processing your request.',
};

const page = '<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>';

type Delivery = { exchange: Exchange; reply: Reply; holds: Holds };

async function pause({ exchange }: Delivery, delayMs = 0): Promise<void> {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: exchange.signal });
}

/** Keeps the connection open and silent, or with comments only, until the client leaves. */
async function hang({ exchange }: Delivery, keepAliveMs?: number): Promise<void> {
  const { signal } = exchange;
  if (keepAliveMs === undefined) {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  while (!signal.aborted) {
    await sleep(keepAliveMs, undefined, { signal });
    await exchange.write(': keepalive\n\n');
  }
}

/** Faults that happen instead of an answer; says whether there was one. */
async function strikeBeforeHeaders(delivery: Delivery): Promise<boolean> {
  const { exchange, reply } = delivery;
  const { fault } = reply;
  if (fault?.kind === 'empty') exchange.send(200, { 'content-type': 'application/json', ...reply.headers }, '');
  else if (fault?.kind === 'html') {
    exchange.send(fault.status ?? 200, { 'content-type': 'text/html', ...reply.headers }, page);
  } else if (fault === undefined || fault.kind === 'unfinished' || fault.afterTokens !== undefined) return false;
  else if (fault.kind === 'hang') await hang(delivery);
  else if (fault.kind === 'cut' || fault.kind === 'reset') await exchange.breakOff(fault.kind);
  return true;
}

type Failure = (fault: Extract<Fault, { kind: 'failure' }>) => string;

/** A fault in the middle of the body; says whether the answer is over. */
async function strike(delivery: Delivery, fault: Fault, failure: Failure): Promise<boolean> {
  const { exchange } = delivery;
  switch (fault.kind) {
    case 'hang':
      await hang(delivery, fault.keepAliveMs);
      return true;
    case 'cut':
    case 'reset':
      await exchange.breakOff(fault.kind);
      return true;
    case 'truncate':
      exchange.end('faulted');
      return true;
    case 'failure':
      await exchange.write(failure(fault));
      exchange.end();
      return true;
    case 'malformed':
      await exchange.write('data: {"broken\n\n');
      return false;
    default:
      return true;
  }
}

/** What waits for a position in the stream, in the order in which it is reached. */
function createAgenda(delivery: Delivery, failure: Failure) {
  const { reply, exchange, holds } = delivery;
  const pending: Hold[] = holdsOf(reply).filter((hold) => hold.afterTokens !== undefined);
  let fault = reply.fault !== undefined && 'afterTokens' in reply.fault ? reply.fault : undefined;
  return {
    /** Carries out what is due after that many tokens, holds first; says whether the answer is over. */
    async reach(tokens: number): Promise<boolean> {
      for (const hold of pending.filter(({ afterTokens = 0 }) => afterTokens <= tokens)) {
        pending.splice(pending.indexOf(hold), 1);
        await holds.wait(hold.name, exchange.signal);
      }
      if (fault === undefined || (fault.afterTokens ?? 0) > tokens) return false;
      const due = fault;
      fault = undefined;
      return strike(delivery, due, failure);
    },
  };
}

async function deliverStream(delivery: Delivery, rendering: Rendering): Promise<void> {
  const { exchange, reply } = delivery;
  let framesSent = 0;
  let tokensSent = 0;
  const agenda = createAgenda(delivery, ({ event = 'failed', ...fault }) =>
    rendering.failure(event, { ...usualFailure, ...wordsOf(fault) }, framesSent),
  );
  exchange.head(200, { 'content-type': 'text/event-stream; charset=utf-8', ...reply.headers });
  const frames = [...rendering.frames()];
  const last = frames.at(-1);
  if (last && reply.fault?.kind === 'unfinished') frames[frames.length - 1] = { ...last, data: last.data.trimEnd() };
  for (const { kind, data } of frames) {
    if (kind === 'token' && tokensSent > 0) await pause(delivery, reply.tokenDelayMs);
    if (kind === 'token' && (await agenda.reach(tokensSent))) return;
    if (kind === 'end' && (await agenda.reach(Number.POSITIVE_INFINITY))) return;
    await exchange.write(data);
    framesSent++;
    if (kind !== 'token') continue;
    tokensSent++;
    exchange.recording.tokenSent();
  }
  exchange.end();
}

const wordsOf = ({ code, message }: { code?: string | number; message?: string }) => ({
  ...(code === undefined ? {} : { code }),
  ...(message === undefined ? {} : { message }),
});

/** An answer in one piece; a hold or a fault in its middle happens after the first half. */
async function deliverWhole(delivery: Delivery, rendering: Rendering): Promise<void> {
  const { exchange, reply } = delivery;
  const { fault } = reply;
  const headers = { 'content-type': 'application/json', ...reply.headers };
  if (fault?.kind === 'failure') {
    const error = { ...usualFailure, ...wordsOf(fault) };
    const body = rendering.wholeFailure(error);
    return body
      ? exchange.send(200, headers, JSON.stringify(body))
      : exchange.sendError({ status: 500, ...error, code: String(error.code) });
  }
  const text = JSON.stringify(rendering.whole());
  const isWhole = reply.hold === undefined && (fault === undefined || fault.kind === 'unfinished');
  if (isWhole) return exchange.send(200, headers, text);
  const agenda = createAgenda(delivery, () => '');
  exchange.head(200, headers);
  const half = Math.floor(text.length / 2);
  await exchange.write(text.slice(0, half));
  if (await agenda.reach(Number.POSITIVE_INFINITY)) return;
  await exchange.write(text.slice(half));
  exchange.end();
}

/**
 * Sends an answer as the reply says: its delays, its holds, its fault. Rejects with an `AbortError` or `ExchangeOver`
 * when the client leaves first.
 */
export async function deliver(delivery: Delivery, rendering: Rendering, streamed: boolean): Promise<void> {
  const { exchange, reply, holds } = delivery;
  await pause(delivery, reply.delayMs);
  for (const hold of holdsOf(reply)) {
    if (hold.afterTokens === undefined) await holds.wait(hold.name, exchange.signal);
  }
  if (await strikeBeforeHeaders(delivery)) return;
  if (reply.error !== undefined) return exchange.sendError(reply.error, reply.headers);
  return streamed ? deliverStream(delivery, rendering) : deliverWhole(delivery, rendering);
}
