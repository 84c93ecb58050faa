import { fetch, ProxyAgent } from 'undici';
import { isExcluded } from '../../platform/no-proxy.ts';

/** The proxies of the environment, with the values of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export type Proxies = { http?: string; https?: string; no?: string };

/** The proxy for requests to `url`; undefined for a direct connection. */
export function proxyFor(url: string, { http, https, no = '' }: Proxies): string | undefined {
  const server = new URL(url);
  if (isExcluded(server, no)) return undefined;
  return server.protocol === 'https:' ? https : http;
}

/** A proxy without its user and password. */
export function proxyOrigin(proxyUrl: string): string {
  const { protocol, host } = new URL(proxyUrl);
  return `${protocol}//${host}`;
}

/** Creates a `fetch` through a proxy; `stop` closes its connections. */
export function createProxyFetch(proxyUrl: string) {
  const dispatcher = new ProxyAgent(proxyUrl);
  let stopped: Promise<void> | undefined;
  // Not Node's own `fetch`: a dispatcher works only with the `fetch` of the same undici.
  const throughProxy = (url: string, init: object) => fetch(url, { ...init, dispatcher });
  return {
    fetch: throughProxy as unknown as typeof globalThis.fetch,
    stop: (): Promise<void> => {
      stopped ??= dispatcher.destroy();
      return stopped;
    },
  };
}
