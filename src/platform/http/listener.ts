import { type AddressInfo, Server, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Service } from '../lifecycle.ts';
import { StartError } from '../start-error.ts';

/** Ports tried after the one that is taken. */
const furtherPortsMax = 20;
const portMax = 65_535;
/** How often idle connections are cut while a server closes; one may become idle after the first cut. */
const cutIdleMs = 50;
/** How long a connection on which nothing ever came, such as a browser opens ahead of need, is waited for at the end. */
const silentMs = 500;

/** Where to listen, and with what. */
export type ListenerOptions = {
  name: string;
  app: FastifyInstance;
  host: string;
  port: number;
  /** The setting that names the port, for the message when it cannot be listened on. */
  setting: string;
  /** When the port is taken, listen on the next free one instead of failing. */
  orNextFree: boolean;
};

/** What the codes of the operating system mean here. */
const reasons: Record<string, string> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this process may not use the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
};

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

/** How the host is written in a URL by which this machine reaches it: not every address to listen on is one to call. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * A server that listens. Its start throws a `StartError` where it cannot. Its stop waits for requests in flight and
 * cuts idle keep-alive connections, which would hold `close` up for as long as they may idle; at the deadline it cuts
 * the rest.
 */
export function createListener({ name, app, host, port, setting, orNextFree }: ListenerOptions) {
  let listening = false;
  let cutting: NodeJS.Timeout | undefined;
  const connections = new Set<Socket>();

  function remember(socket: Socket): void {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  }

  /** Node counts a connection on which nothing has come yet as one with a request in flight. */
  function cutSilent(): void {
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  }

  /**
   * Cuts idle connections right after what has arrived was read: a request that waits in the kernel would be answered
   * by a reset.
   */
  function cutIdle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cut = () => {
      app.server.closeIdleConnections();
      resolve();
    };
    setTimeout(() => setImmediate(cut)); // the event loop reads between timers and immediates
    return promise;
  }

  function keepCutting(): void {
    cutting ??= setInterval(cutIdle, cutIdleMs);
  }

  function refusal(error: unknown): unknown {
    const reason = reasons[codeOf(error)];
    if (reason === undefined) return error;
    const message = `Cannot listen on port ${port} of ${host}: ${reason}. Set ${setting} or HOST to another one.`;
    return new StartError(message, { cause: error });
  }

  async function listen(): Promise<void> {
    const last = orNextFree && port !== 0 ? Math.min(port + furtherPortsMax, portMax) : port;
    for (let candidate = port; ; candidate += 1) {
      try {
        await app.listen({ host, port: candidate });
        return;
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE' || candidate >= last) throw refusal(error);
      }
    }
  }

  const service: Service = {
    name,
    async start() {
      app.server.on('connection', remember);
      await listen();
      listening = true;
    },
    async stop(deadline) {
      if (!listening) return void (await app.close());
      listening = false;
      keepCutting();
      const silence = setTimeout(cutSilent, silentMs);
      const cut = () => app.server.closeAllConnections();
      deadline.addEventListener('abort', cut, { once: true });
      if (deadline.aborted) cut();
      await app.close().finally(() => {
        clearInterval(cutting);
        clearTimeout(silence);
      });
      deadline.removeEventListener('abort', cut);
    },
  };
  return {
    ...service,
    /**
     * Cuts idle connections from now on, while requests in flight and those on new connections are answered. Resolves
     * when those that idle have been cut; no request that had arrived by then is lost.
     */
    hangUp(): Promise<void> {
      keepCutting();
      return cutIdle();
    },
    /** Takes no new connections from now on; those that are open are served as before. */
    stopAccepting(): void {
      // The close of an HTTP server would cut idle connections too, on which a request may be under way.
      Server.prototype.close.call(app.server);
    },
    /** Where it is reached from this machine, once it listens, such as `http://127.0.0.1:8000`. */
    url: (): string => `http://${urlHost(host)}:${(app.server.address() as AddressInfo).port}`,
  };
}

/** A server that listens. */
export type Listener = ReturnType<typeof createListener>;
