import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { createProject } from '../support/project.ts';
import { runCli, startService } from '../support/service.ts';

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  await serve({ agents: { helper: new Agent({ name: 'helper', instructions: 'You help.' }) } });
`;
const key = 'sk-0123456789abcdef';

/** Runs a command in a project with this `.env` file, until it ends. */
async function runWithFile(command: string[], envFile: string, env: Record<string, string> = {}) {
  await using project = createProject({ 'src/main.ts': mainFile, '.env': envFile });
  return await runCli(command, { ...project.env, APP_ENV: 'production', ...env }, project.folder);
}

describe('a mistake in .env ends', () => {
  const message = '.env: MAX_TURN is no setting and has no effect. If MAX_TURNS is meant, name it so.\n';

  test.each([['start'], ['migrate'], ['prune'], ['keys', 'list']])('%s with a sentence alone', async (...command) => {
    const result = await runWithFile(command, `OPENAI_API_KEY=${key}\nMAX_TURN=3\n`);
    expect(result).toEqual({ code: 1, stdout: '', stderr: message });
  });

  test('doctor with a finding', async () => {
    const { code, stdout } = await runWithFile(['doctor'], `OPENAI_API_KEY=${key}\nMAX_TURN=3\n`);
    expect(code).toBe(1);
    expect(stdout).toContain('MAX_TURN is no setting');
    expect(stdout).toContain('MAX_TURNS');
  });
});

test('quotes around a value end the start with the name of the setting, and do not show a key', async () => {
  const { code, stderr } = await runWithFile(['start'], '', { OPENAI_API_KEY: `"${key}"`, MAX_TURNS: '"5"' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/OPENAI_API_KEY: found a value that is not shown; allowed: .*without the quotes/);
  expect(stderr).toMatch(/MAX_TURNS: found "\\"5\\""; allowed: a whole number .*without the quotes/);
  expect(stderr).not.toContain(key);
  expect(stderr).not.toMatch(/^ +at /m);
});

test('an empty variable leaves the value of .env, of which a command that needs none knows too', async () => {
  const { code, stdout } = await runWithFile(['migrate'], `LOG_LEVEL=INFO\nAPP_NAME=from-file\n`, {
    APP_NAME: '',
    OPENAI_API_KEY: '',
  });
  expect(code).toBe(0);
  expect(stdout).toContain('"app":"from-file"');
});

test('a misspelt variable of the process is one warning, with the setting that may be meant', async () => {
  await using service = await startService({ env: { MAX_TURN: '3', OPENAI_TIMOUT: '1', API_VERSION: '2' } });
  expect(await service.logged(({ level }) => level === 'warn')).toMatchObject({
    intended: { MAX_TURN: 'MAX_TURNS', OPENAI_TIMOUT: 'OPENAI_TIMEOUT' },
    msg: 'variables are almost called like settings, and have no effect',
  });
});

describe('with a proxy', () => {
  /** A proxy that lets nothing through, and remembers what it was asked for. */
  async function startProxy() {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url}`);
      response.writeHead(403).end();
    }).on('connect', ({ url }, socket) => {
      asked.push(`${url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return {
      asked,
      port: (server.address() as AddressInfo).port,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  test.each([
    { noProxy: '127.0.0.0/8,10.0.0.0/8,.svc', straight: true },
    { noProxy: '10.0.0.0/8,.svc', straight: false },
  ])('NO_PROXY=$noProxy: a provider on 127.0.0.1 is called straight: $straight', async ({ noProxy, straight }) => {
    await using proxy = await startProxy();
    await using provider = await startFakeProvider();
    await provider.script('Straight.');
    const proxyUrl = `http://user:secret@127.0.0.1:${proxy.port}`;
    await using service = await startService({ provider, env: { HTTP_PROXY: proxyUrl, NO_PROXY: noProxy } });
    const { status } = await service.post('/api/v1/run', { message: 'Hi' });
    expect(status === 200).toBe(straight);
    expect(proxy.asked.length === 0).toBe(straight);
    expect((await provider.requests()).length > 0).toBe(straight);
    const route = await service.logged(({ msg }) => msg === 'routes to the model providers');
    expect(route.providers).toEqual({ primary: straight ? 'straight' : `http://127.0.0.1:${proxy.port}` });
  });
});
