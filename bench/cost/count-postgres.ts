/** Counts the statements that go to a Postgres: a relay that reads the protocol's messages as they pass. */
import { connect, createServer, type Socket } from 'node:net';

/** A relay that counts. */
export type CountingRelay = {
  /** The database's URL with the relay's address. */
  url: string;
  /** Statements so far: by name where they are prepared, else by text. */
  counts(): Record<string, number>;
  close(): Promise<void>;
};

/**
 * Calls `told` with the statement of each Bind and Query message ("Message Formats" in the documentation of Postgres):
 * a byte for the type, four for the length, then for a Bind the portal and the name of the statement, both ended by 0.
 * The first message has no type.
 */
function readStatements(told: (statement: string) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let started = false;
  const textAt = (from: number) => pending.toString('utf8', from, pending.indexOf(0, from));
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (pending.length < head + 4) return;
      const end = head + pending.readUInt32BE(head);
      if (pending.length < end) return;
      const type = started ? String.fromCharCode(pending[0] as number) : '';
      if (type === 'B') told(textAt(pending.indexOf(0, head + 4) + 1));
      if (type === 'Q') told(textAt(head + 4));
      started = true;
      pending = pending.subarray(end);
    }
  };
}

/** Starts a relay to the database at `url`. */
export async function startCountingRelay(url: string): Promise<CountingRelay> {
  const { hostname, port } = new URL(url);
  const counted = new Map<string, number>();
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on(
      'data',
      readStatements((text) => counted.set(text, (counted.get(text) ?? 0) + 1)),
    );
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const relayed = new URL(url);
  relayed.host = `127.0.0.1:${(relay.address() as { port: number }).port}`;
  return {
    url: relayed.href,
    counts: () => Object.fromEntries(counted),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => relay.close(() => resolve()));
    },
  };
}
