import { type AddressInfo, Server } from 'node:net';
import type { Service } from '../lifecycle.ts';
import { createIdleConnections } from './idle-connections.ts';
import { type ListenOptions, listen } from './listen.ts';

/** The server of a listener, its address, and its name for the log. */
export type ListenerOptions = ListenOptions & { name: string };

/** The host in a URL for this machine: a wildcard address, such as 0.0.0.0, can be listened on, but not connected to. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * A server as a service. Its start throws a `StartError` if it cannot listen. Its stop waits for the requests in flight
 * and closes idle keep-alive connections, which would delay `close` until their idle timeout; at the deadline it closes
 * all other connections.
 */
export function createListener({ name, ...options }: ListenerOptions) {
  const { app, host } = options;
  const idleConnections = createIdleConnections(app.server);
  let listening = false;

  const service: Service = {
    name,
    async start() {
      idleConnections.track();
      await listen(options);
      listening = true;
    },
    async stop(deadline) {
      if (!listening) return void (await app.close());
      listening = false;
      const closeAll = () => app.server.closeAllConnections();
      deadline.addEventListener('abort', closeAll, { once: true });
      if (deadline.aborted) closeAll();
      await idleConnections.closeUntil(() => app.close());
      deadline.removeEventListener('abort', closeAll);
    },
  };
  return {
    ...service,
    /**
     * Closes idle connections from now on; requests in flight and requests on new connections are answered. Resolves when
     * the connections that are idle now are closed. No request that has arrived by then is lost.
     */
    closeIdleConnections: (): Promise<void> => idleConnections.close(),
    /** Accepts no new connections from now on; open connections are served as before. */
    stopAccepting(): void {
      // The close of an HTTP server would also close idle connections, on which a request may be under way.
      Server.prototype.close.call(app.server);
    },
    /** The URL at which this machine reaches the server after its start, such as `http://127.0.0.1:8000`. */
    url: (): string => `http://${urlHost(host)}:${(app.server.address() as AddressInfo).port}`,
  };
}

/** See `createListener`. */
export type Listener = ReturnType<typeof createListener>;
