import { createServer, connect as open, type Socket } from 'node:net';

/** A relay between a client and a server, on which a test cuts lines. */
export type TcpRelay = AsyncDisposable & {
  /** `url` with the relay's address in place of the server's. */
  readonly url: string;
  /** Cuts the line on which the server answers next, before the answer arrives; resolves when that happened. */
  cutNextAnswer(): Promise<void>;
  /** Cuts all lines and refuses new ones, until `accept`. */
  refuse(): void;
  accept(): void;
};

/** Relays connections on a port of 127.0.0.1 to the host and port of `url`. */
export async function openTcpRelay(url: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(url);
  const lines = new Set<Socket>();
  let refusing = false;
  let onAnswer: (() => void) | null = null;

  const relay = createServer((client) => {
    if (refusing) return client.destroy();
    const server = open(Number(port), hostname);
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      lines.add(socket);
      socket.on('error', cut).on('close', () => {
        lines.delete(socket);
        cut();
      });
    }
    client.pipe(server);
    server.on('data', (chunk) => {
      if (onAnswer === null) return client.write(chunk);
      cut();
      onAnswer();
      onAnswer = null;
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
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
    refuse() {
      refusing = true;
      cutAll();
    },
    accept() {
      refusing = false;
    },
    async [Symbol.asyncDispose]() {
      cutAll();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
