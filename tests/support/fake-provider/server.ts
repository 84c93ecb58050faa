import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ApiOptions, createApi } from './api.ts';
import { createChangeSignal } from './change-signal.ts';
import { createControl } from './control.ts';
import { createState } from './state.ts';

/** Longer than any client keeps a connection, so that the fake never closes one that is about to be used. */
const keepAliveMs = 10 * 60_000;

/** Where a fake provider listens. */
export type FakeProviderServer = {
  /** The API's origin; its base URL is this and `/v1`. The control routes are here too. */
  url: string;
  /** The control routes' own origin, which stays up while the API is down. */
  controlUrl: string;
  /** Drops all connections and closes both ports. */
  stop(): Promise<void>;
};

function createListener(handler: RequestListener): Server {
  return createServer({ keepAliveTimeout: keepAliveMs }, handler);
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Starts the fake on 127.0.0.1; port 0 takes a free one. */
export async function startServer(options: ApiOptions & { port?: number | undefined }): Promise<FakeProviderServer> {
  const signal = createChangeSignal();
  const newState = () => createState(Date.now, signal);
  let state = newState();
  let apiPort = options.port ?? 0;

  const reset = () => {
    const old = state;
    state = newState();
    old.dropExchanges();
    signal.changed();
  };
  const down = async () => {
    state.dropExchanges();
    await close(apiServer);
  };
  const up = async () => {
    if (!apiServer.listening) await listen(apiServer, apiPort);
  };

  const api = createApi(options, () => state);
  const control = createControl({ state: () => state, signal, reset, down, up });
  const apiServer = createListener((request, response) =>
    request.url?.startsWith('/__control/') ? control(request, response) : api(request, response),
  );
  const controlServer = createListener(control);
  apiPort = await listen(apiServer, apiPort);
  const controlPort = await listen(controlServer, 0);
  return {
    url: `http://127.0.0.1:${apiPort}`,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    async stop() {
      await Promise.all([down(), close(controlServer)]);
    },
  };
}
