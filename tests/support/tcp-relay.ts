import { once } from 'node:events';
import { createServer, connect as open, type Socket } from 'node:net';
import { systemClock } from '../../src/platform/clock.ts';

/** A relay between a client and a server, on which a test cuts lines and slows answers. */
export type TcpRelay = AsyncDisposable & {
  /** `url` with the relay's address in place of the server's. */
  readonly url: string;
  /** Cuts the line on which the server answers next, before the answer arrives; resolves when that happened. */
  cutNextAnswer(): Promise<void>;
  /**
   * From now on cuts each line on which the client sends one of these texts, such as the name of a prepared statement,
   * before the answer arrives; called without any: no more.
   */
  cutAnswersTo(...texts: string[]): void;
  /** Resolves when so many answers were lost by `cutAnswersTo` since this call. */
  lost(count: number): Promise<void>;
  /** Cuts all lines; new ones are accepted. */
  cutAll(): void;
  /** Cuts all lines and refuses new ones, until `accept`. */
  refuse(): void;
  accept(): void;
  /** From now on nothing passes, and lines stay open, as with a server that is stopped by SIGSTOP; until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** From now on each answer takes so much longer, in ms. Defaults to none. */
  delayAnswers(byMs: number): void;
  /** How many lines are open. */
  lines(): number;
};

/** Passes chunks on in their order, each so much later. */
function createSlowWriter(to: Socket, delayMs: () => number) {
  let lastMs = 0;
  return (chunk: Buffer) => {
    const nowMs = systemClock.monotonicMs();
    lastMs = Math.max(lastMs, nowMs + delayMs());
    if (lastMs <= nowMs) return void to.write(chunk);
    // tidy: sleep because the delay is what the relay is for; only the client under test waits for it
    setTimeout(() => to.writable && to.write(chunk), lastMs - nowMs);
  };
}

/** Relays connections on a port of 127.0.0.1 to the host and port of `url`. */
export async function openTcpRelay(url: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(url);
  const lines = new Set<Socket>();
  let refusing = false;
  let frozen = false;
  const held: (() => void)[] = [];
  /** Does something now, or when the relay thaws. */
  const pass = (work: () => void) => (frozen ? held.push(work) : work());
  let delayMs = 0;
  let onAnswer: (() => void) | null = null;
  let unanswered: string[] = [];
  let lostCount = 0;
  let onLost = () => {};

  const relay = createServer((client) => {
    if (refusing) return client.destroy();
    const server = open(Number(port), hostname);
    const answer = createSlowWriter(client, () => delayMs);
    let isDoomed = false;
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    lines.add(client);
    for (const socket of [client, server]) {
      socket.on('error', cut).on('close', () => {
        lines.delete(client);
        cut();
      });
    }
    client.on('data', (chunk) => {
      isDoomed ||= unanswered.some((text) => chunk.includes(text));
      pass(() => server.write(chunk));
    });
    server.on('data', (chunk) => {
      if (frozen) return pass(() => answer(chunk));
      if (!isDoomed && onAnswer === null) return answer(chunk);
      cut();
      if (isDoomed) {
        lostCount += 1;
        onLost();
      } else {
        onAnswer?.();
        onAnswer = null;
      }
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const cutAll = () => {
    for (const line of lines) line.destroy();
  };
  const relayed = new URL(url);
  relayed.host = `127.0.0.1:${(relay.address() as { port: number }).port}`;
  return {
    url: relayed.href,
    cutNextAnswer: () =>
      new Promise((resolve) => {
        onAnswer = resolve;
      }),
    cutAnswersTo(...texts) {
      unanswered = texts;
    },
    async lost(count) {
      const enough = lostCount + count;
      while (lostCount < enough) {
        await new Promise<void>((resolve) => {
          onLost = resolve;
        });
      }
    },
    cutAll,
    refuse() {
      refusing = true;
      cutAll();
    },
    accept() {
      refusing = false;
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const work of held.splice(0)) work();
    },
    delayAnswers(byMs) {
      delayMs = byMs;
    },
    lines: () => lines.size,
    async [Symbol.asyncDispose]() {
      cutAll();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
