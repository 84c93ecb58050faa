import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { type Command, startCommand } from '../support/command.ts';
import { firstProcess, type ImageProcessOptions, imageCommand } from '../support/image/image-process.ts';
import { createTestDatabase } from '../support/postgres.ts';

const { unpacked } = inject('imageBuild');

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Starts the image's process on a volume of its own. */
function start(options: Partial<ImageProcessOptions> = {}): Command {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-volume-'));
  folders.push(dataDir);
  return startCommand([], imageCommand(unpacked, { dataDir, ...options }));
}

/** On this machine's network there are others. */
const ports = { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' };
const development = { ...ports, APP_ENV: 'development' };

/** Runs a script by the image's Node, as its user and in its root. */
async function runScript(script: string): Promise<string> {
  await using command = start({ entrypoint: ['node', '-e', script], args: [] });
  await command.closed;
  return command.output().trim();
}

/** Runs HEALTHCHECK as Docker would, beside a service on `port`; gives its exit code. */
async function checkHealth(port: string) {
  const [, ...entrypoint] = unpacked.config.Healthcheck.Test;
  await using command = start({ entrypoint, args: [], env: { PORT: port } });
  return await command.closed;
}

describe('the process of the image', () => {
  test('in production does not start without a key, and says so', async () => {
    await using command = start({ env: ports });
    expect(await command.closed).toBe(1);
    expect(command.output()).toContain('OPENAI_API_KEY: found nothing');
  });

  test('is process 1, as the user that the image names', async () => {
    await using command = start({ env: development });
    await command.printed(/API +(\S+)\n/);
    const status = readFileSync(`/proc/${firstProcess(command.pid)}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1]?.split('\t');
    expect(field('NSpid')?.at(-1)).toBe('1');
    const [user, group] = unpacked.config.User.split(':');
    expect([new Set(field('Uid')), new Set(field('Gid'))]).toEqual([new Set([user]), new Set([group])]);
    expect(field('CapEff')).toEqual(['0000000000000000']);
  });

  test('answers on a root file system that is read-only, and ends with 0 at SIGTERM', async () => {
    await using command = start({ env: development });
    const [, url = ''] = await command.printed(/API +(\S+)\n/);
    const response = await fetch(`${url}/api/v1/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Where is my order 1001?' }),
    });
    expect(await response.json()).toMatchObject({ status: 'completed', simulated: true });
    process.kill(firstProcess(command.pid), 'SIGTERM');
    expect(await command.closed).toBe(0);
    expect(command.output()).toMatch(/drained: true/);
  });

  test('may write to its volume and to /tmp alone', async () => {
    const places = ['/data', '/tmp', '/app', '/', '/usr/local/bin'];
    const script = `
      for (const place of ${JSON.stringify(places)})
        try { fs.writeFileSync(place + '/probe', ''); console.log(place); } catch {}`;
    expect((await runScript(script)).split('\n')).toEqual(['/data', '/tmp']);
  });

  test('is found healthy by HEALTHCHECK while it answers, and unhealthy when it does not', async () => {
    await using command = start({ env: development });
    const [, port = ''] = await command.printed(/API +http:\/\/[^:]+:(\d+)\n/);
    expect(await checkHealth(port)).toBe(0);
    process.kill(firstProcess(command.pid), 'SIGTERM');
    await command.closed;
    expect(await checkHealth(port)).toBe(1);
  });

  test('brings the schema of Postgres up to date when its command is `migrate`', async () => {
    await using database = await createTestDatabase('empty');
    const env = { DATABASE_URL: database.url };
    await using command = start({ args: ['migrate'], env });
    expect(await command.closed).toBe(0);
    await using again = start({ args: ['migrate'], env });
    expect(await again.closed).toBe(0);
    expect(again.output()).toMatch(/up to date/i);
  });
});
