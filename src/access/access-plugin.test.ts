import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { systemClock } from '../platform/clock.ts';
import { registerErrors } from '../platform/http/errors-plugin.ts';
import { noLimits, type Scope } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import { registerAccessControl } from './access-plugin.ts';

type Counted = { key: string; intervalMs: number; burst: number };

/** A server with one route for each scope under access control, and a caller with these scopes and limits. */
function build(scopes: Scope[], limits: Partial<Identity['limits']> = {}) {
  const counted: Counted[] = [];
  const app = fastify();
  const caller: Identity = {
    tenantId: 'acme',
    keyId: 'key_1',
    scopes,
    isOperator: false,
    stored: true,
    limits: { ...noLimits, ...limits },
  };
  registerErrors(app);
  registerAccessControl(app, {
    authenticator: { authenticate: async () => caller },
    limiter: {
      async take(key, limit) {
        counted.push({ key, ...limit });
        return { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 0 };
      },
    },
    rateLimit: { perMinute: 100, burst: 20 },
    clock: systemClock,
    answerMsMax: null,
  });
  for (const scope of ['run', 'read', 'admin'] as const) app.get(`/${scope}`, { config: { scope } }, async () => scope);
  app.post('/run', { config: { scope: 'run', creates: true } }, async () => 'made');
  return { app, counted };
}

describe('access control', () => {
  test('allows a key what its scopes allow, and nothing else', async () => {
    for (const scope of ['run', 'read', 'admin'] as const) {
      const { app } = build([scope]);
      for (const url of ['/run', '/read', '/admin']) {
        const { statusCode } = await app.inject({ url });
        expect([url, statusCode]).toEqual([url, url === `/${scope}` ? 200 : 403]);
        expect((await app.inject({ url, method: 'HEAD' })).statusCode).toBe(statusCode);
      }
    }
  });

  test('names the missing scope, and does not count the request', async () => {
    const { app, counted } = build(['run', 'read']);
    expect((await app.inject({ url: '/admin' })).json()).toMatchObject({
      code: 'forbidden',
      detail: 'This API key does not have the scope "admin"; it has run, read.',
    });
    expect(counted).toEqual([]);
  });

  test('refuses to register a route that does not name its scope', () => {
    const { app } = build(['admin']);
    expect(() => app.get('/open', async () => 'open')).toThrow('GET /open does not say which scope it asks for.');
    expect(() => app.get('/odd', { config: {} }, async () => 'open')).toThrow('/odd');
  });

  test('limits a key by its own rate, or else by that of the settings, and reads by ten times the rate', async () => {
    const own = build(['run', 'read'], { rpm: 6, burst: 2 });
    await own.app.inject({ url: '/run', method: 'POST' });
    await own.app.inject({ url: '/read' });
    expect(own.counted).toEqual([
      { key: 'create:key:key_1', intervalMs: 10_000, burst: 2 },
      { key: 'read:key:key_1', intervalMs: 1_000, burst: 20 },
    ]);
    const half = build(['run'], { rpm: 6 });
    await half.app.inject({ url: '/run', method: 'POST' });
    expect(half.counted).toEqual([{ key: 'create:key:key_1', intervalMs: 10_000, burst: 20 }]);
  });
});

test('a store that does not answer keeps no request longer than the limit', async () => {
  const clock = createFakeClock();
  const asked = Promise.withResolvers<void>();
  const app = fastify();
  registerErrors(app);
  registerAccessControl(app, {
    authenticator: {
      authenticate: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    },
    limiter: { take: () => new Promise(() => {}) },
    rateLimit: { perMinute: 100, burst: 20 },
    clock,
    answerMsMax: 5_000,
  });
  app.get('/run', { config: { scope: 'run' } }, async () => 'made');
  const answer = app.inject({ url: '/run' });
  await asked.promise;
  await clock.advance(5_000);
  expect((await answer).statusCode).toBe(503);
  expect((await answer).json()).toMatchObject({ code: 'store_unavailable' });
});
