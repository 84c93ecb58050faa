import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The interval at which idle connections are closed, in ms: a connection may become idle after the first pass. */
const closeIntervalMs = 50;
/** How long an end waits for connections on which nothing was received yet, such as those that browsers open in advance. */
const silentMs = 500;

/** Closes the connections of a server that carry no request, and loses no request that has arrived. */
export function createIdleConnections(server: Server) {
  const open = new Set<Socket>();
  let closing: NodeJS.Timeout | undefined;

  /**
   * Closes idle connections right after the event loop has read what has arrived. Otherwise a request that is still in
   * the buffer of the kernel would be answered by a reset.
   */
  function closeOnce(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const close = () => {
      server.closeIdleConnections();
      resolve();
    };
    setTimeout(() => setImmediate(close)); // the event loop reads between timers and immediates
    return promise;
  }

  function closeRepeatedly(): void {
    closing ??= setInterval(closeOnce, closeIntervalMs);
  }

  /** To Node a connection on which nothing was received yet has a request in flight. */
  function closeSilent(): void {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  }

  return {
    /** Keeps track of the connections that the server accepts from now on. */
    track(): void {
      server.on('connection', (socket) => {
        open.add(socket);
        socket.once('close', () => open.delete(socket));
      });
    },

    /** Closes idle connections from now on. Resolves when those that are idle now are closed. */
    close(): Promise<void> {
      closeRepeatedly();
      return closeOnce();
    },

    /** Closes idle and silent connections until `ending` is settled. */
    async closeUntil(ending: () => Promise<unknown>): Promise<void> {
      closeRepeatedly();
      const silence = setTimeout(closeSilent, silentMs);
      await ending().finally(() => {
        clearInterval(closing);
        clearTimeout(silence);
      });
    },
  };
}
