import { Agent } from '@openai/agents';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createAuthenticator } from '../../src/access/index.ts';
import { createAgentRegistry } from '../../src/agents/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { createArrivals } from '../../src/runs/arrivals.ts';
import { buildServer, type ServerParts } from '../../src/server.ts';

/** The API's server, which answers nothing: it shows its routes. Where it asks for keys, there is none. */
export async function buildBareServer(
  env: Record<string, string> = {},
  arrival?: ServerParts['arrival'],
): Promise<FastifyInstance> {
  const helper = new Agent({ name: 'helper', instructions: 'Hi.' });
  const settings = parseSettings({ APP_ENV: 'test', ...env });
  const noKeys = { get: () => Promise.reject(new Error('there are no keys')), isValid: () => false };
  return buildServer({
    settings,
    version: '1.2.3',
    log: pino({ level: 'silent' }),
    ids: () => 'req_1',
    agents: createAgentRegistry({ helper }),
    health: { isDraining: () => false, readiness: () => ({ state: 'ready' }) },
    access: {
      authenticator: createAuthenticator({
        mode: settings.authMode,
        adminApiKey: undefined,
        keys: noKeys,
        lastUsed: { record: () => {} },
      }),
      limiter: { take: async () => ({ allowed: true, remaining: 1, resetMs: 0, retryAfterMs: 0 }) },
      rateLimit: settings.rateLimit,
      clock: systemClock,
      answerMsMax: null,
    },
    arrivals: createArrivals(),
    loadShedding: { eventLoopDelay: { recentMs: () => 0 }, delayMaxMs: 1, metrics: { shed: () => {} } },
    arrival,
    closing: new AbortController().signal,
  } as unknown as ServerParts);
}

/** The routes of a server, as `METHOD /path/{parameter}`, without those that only go with others. */
export async function routesOf(app: FastifyInstance): Promise<string[]> {
  await app.ready();
  const lines = app.printRoutes({ commonPrefix: false }).split('\n');
  const routes: string[] = [];
  const path: string[] = [];
  for (const line of lines) {
    const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S*)(?: \((.+)\))?$/.exec(line) ?? [];
    path.splice(indent.length / 4, path.length, part);
    for (const method of methods?.split(', ') ?? []) {
      if (!['HEAD', 'OPTIONS'].includes(method))
        routes.push(`${method} ${path.join('').replaceAll(/:(\w+)/g, '{$1}')}`);
    }
  }
  return routes;
}
