import { fetch, ProxyAgent } from 'undici';

/** The proxies that the environment names; the words are those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export type Proxies = { http?: string; https?: string; no?: string };

/** Whether an entry of `NO_PROXY`, such as `*`, `localhost`, `.internal`, `*.svc` or `host:8080`, names this server. */
function names(entry: string, { hostname, port, protocol }: URL): boolean {
  if (entry === '*') return true;
  const [, host = '', wantedPort] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
  if (wantedPort !== undefined && wantedPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  const suffix = host.replace(/^\*?\./, '');
  return hostname === suffix || hostname.endsWith(`.${suffix}`);
}

/** The proxy that requests to `url` go through; none: they go there straight. */
export function proxyFor(url: string, { http, https, no = '' }: Proxies): string | undefined {
  const server = new URL(url);
  const entries = no
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  if (entries.some((entry) => names(entry, server))) return undefined;
  return server.protocol === 'https:' ? https : http;
}

/** A `fetch` through a proxy; `stop` closes its connections. */
export function createProxyFetch(proxyUrl: string) {
  const dispatcher = new ProxyAgent(proxyUrl);
  let stopped: Promise<void> | undefined;
  // Node's own `fetch` cannot be used: an agent works with that of its own undici.
  const throughProxy = (url: string, init: object) => fetch(url, { ...init, dispatcher });
  return {
    fetch: throughProxy as unknown as typeof globalThis.fetch,
    stop: (): Promise<void> => {
      stopped ??= dispatcher.destroy();
      return stopped;
    },
  };
}
