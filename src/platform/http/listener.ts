import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Service } from '../lifecycle.ts';

/** Ports tried after the one that is taken. */
const furtherPortsMax = 20;
/** How often idle connections are cut while a server closes; one may become idle after the first cut. */
const cutIdleMs = 50;

/** Where to listen, and with what. */
export type ListenerOptions = {
  name: string;
  app: FastifyInstance;
  host: string;
  port: number;
  /** When the port is taken, listen on the next free one instead of failing. */
  orNextFree: boolean;
};

const isTaken = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';

/**
 * A server that listens. Its stop waits for requests in flight and cuts idle keep-alive connections, which would hold
 * `close` up for as long as they may idle; at the deadline it cuts the rest.
 */
export function createListener({ name, app, host, port, orNextFree }: ListenerOptions) {
  let listening = false;

  async function listen(): Promise<void> {
    const last = orNextFree && port !== 0 ? port + furtherPortsMax : port;
    for (let candidate = port; ; candidate += 1) {
      try {
        await app.listen({ host, port: candidate });
        return;
      } catch (error) {
        if (!isTaken(error)) throw error;
        if (candidate >= last) throw new Error(`Port ${port} of ${host} is taken. Set another one.`, { cause: error });
      }
    }
  }

  const service: Service = {
    name,
    async start() {
      await listen();
      listening = true;
    },
    async stop(deadline) {
      if (!listening) return void (await app.close());
      listening = false;
      const idle = setInterval(() => app.server.closeIdleConnections(), cutIdleMs);
      const cut = () => app.server.closeAllConnections();
      deadline.addEventListener('abort', cut, { once: true });
      if (deadline.aborted) cut();
      await app.close().finally(() => clearInterval(idle));
      deadline.removeEventListener('abort', cut);
    },
  };
  return { ...service, port: (): number => (app.server.address() as AddressInfo).port };
}

/** A server that listens. */
export type Listener = ReturnType<typeof createListener>;
