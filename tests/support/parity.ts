/**
 * The lean client against the real one: the same calls of the same models of the SDK, against the same server, and what
 * comes of them compared to the last field. Where the two differ on purpose, a case says how.
 */
import { setTracingDisabled } from '@openai/agents';
import OpenAI from 'openai';
import { expect } from 'vitest';
import type { ModelConnection } from '../../src/providers/transport/connection.ts';
import { createLeanClient } from '../../src/providers/transport/lean-client.ts';
import { createOpenAiClient } from '../../src/providers/transport/openai-client.ts';
import { waitMsMax } from './limits.ts';
import { type CallCase, makeCall, type Outcome } from './model-calls.ts';
import { type Asked, type Respond, startScriptedServer } from './scripted-server.ts';

setTracingDisabled(true);

/** The outcome of a case in a word: an answer, or the class of its error. */
export type Word = string;
/** How the two differ on purpose; decision 0010 explains every row. */
export type Difference = { openai: Word; ours: Word };
/** A call, and how the server answers it. */
export type ParityCase = CallCase & {
  name: string;
  respond: Respond;
  difference?: Difference;
  /** The call is aborted before it is sent. */
  unsent?: true;
};

/** Headers that say which client it is and what it could read; everything else is the same. */
const ownHeaders = /^(x-stainless-.*|accept-language|accept-encoding|sec-fetch-mode)$/;

const comparable = ({ headers, ...rest }: Asked) => ({
  ...rest,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ownHeaders.test(name))),
});

type Side = { requests: ReturnType<typeof comparable>[]; outcome: Outcome };

const wordOf = ({ outcome }: Side): Word => (outcome.error === null ? 'an answer' : String(outcome.error.class));

/** An outcome without the cause of its error, which is that of `fetch` or of a socket. */
const withoutCause = ({ outcome }: Side): Outcome =>
  outcome.error === null ? outcome : { ...outcome, error: { ...outcome.error, cause: null } };

/** Starts the server and the clients. */
export async function startParity() {
  const server = await startScriptedServer();
  const account = { organization: 'org-1', project: 'proj-1' };
  const { baseUrl } = server;
  const connection: ModelConnection = { baseUrl, apiKey: 'sk-1', api: 'responses', ...account };
  const openai = new OpenAI({ baseURL: baseUrl, apiKey: 'sk-1', ...account, maxRetries: 0, logLevel: 'off' });
  const lean = createLeanClient(connection);
  const held = createOpenAiClient(connection);

  async function play(client: OpenAI, of: ParityCase): Promise<Side> {
    const before = server.asked.length;
    const arrived = Promise.withResolvers<void>();
    server.respond = (response) => {
      arrived.resolve();
      of.respond(response);
    };
    const outcome = await makeCall(client, of, () => arrived.promise);
    return { requests: server.asked.slice(before).map(comparable), outcome };
  }

  return {
    /** Plays a case through both, and through our use of the `openai` client, and expects the same of all. */
    async expectSame(of: ParityCase): Promise<void> {
      const theirs = await play(openai, of);
      const ours = await play(lean.sdk, of);
      expect(theirs.requests).toHaveLength(of.unsent ? 0 : 1); // a case that never reaches the server compares nothing
      expect(ours.requests).toEqual(theirs.requests);
      if (of.difference === undefined) expect(ours.outcome).toEqual(theirs.outcome);
      else expect({ openai: wordOf(theirs), ours: wordOf(ours) }).toEqual(of.difference);
      expect(withoutCause(await play(held.sdk, of))).toEqual(withoutCause(ours));
    },
    /** The same, and both close the connection. */
    async expectClosed(of: ParityCase): Promise<void> {
      const theirsClosed = server.closed();
      const theirs = await play(openai, of);
      await theirsClosed;
      const closed = server.closed();
      expect(await play(lean.sdk, of)).toEqual(theirs);
      await closed;
    },
    async stop(): Promise<void> {
      await lean.stop(AbortSignal.timeout(waitMsMax));
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The clients, and what compares them. */
export type Parity = Awaited<ReturnType<typeof startParity>>;

export const chat = { api: 'chat_completions', streamed: false } as const;
export const response = { api: 'responses', streamed: false } as const;
export const chatStreamed = { api: 'chat_completions', streamed: true } as const;
export const responseStreamed = { api: 'responses', streamed: true } as const;
