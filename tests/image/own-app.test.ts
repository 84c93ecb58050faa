import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runProgram } from '../support/child-processes.ts';
import { startCommand } from '../support/command.ts';
import { blockOfGuide } from '../support/docker-guide.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { createBuildah } from '../support/image/buildah.ts';
import { firstProcess, imageCommand, type UnpackedImage } from '../support/image/image-process.ts';
import { npmAccess } from '../support/image/npm-access.ts';
import { pack } from '../support/packed.ts';

const { folder: buildFolder, base, secret } = inject('imageBuild');
const projectFolder = join(import.meta.dirname, '../..');

const mainFile = `import { Agent } from '@openai/agents';
import { serve } from 'agent-service';

const poet: Agent = new Agent({ name: 'poet', instructions: 'You write poems.' });
await serve({ agents: { poet } });
`;

const versionOf = (name: string): string =>
  JSON.parse(readFileSync(join(projectFolder, 'node_modules', name, 'package.json'), 'utf8')).version;

/** Serves one file over HTTP on the loopback, as a registry would. */
async function serveFile(path: string) {
  const server = createServer((_, response) => response.end(readFileSync(path)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/agent-service.tgz`;
  return { url, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}

let folder = '';
let app: UnpackedImage;

/** A user's project that has installed the package, with the files that the guide names. */
async function createProject(packageUrl: string): Promise<string> {
  const project = join(folder, 'poems');
  const dependencies = {
    'agent-service': packageUrl,
    '@openai/agents': versionOf('@openai/agents'),
    zod: versionOf('zod'),
  };
  const files = {
    'package.json': JSON.stringify({ name: 'poems', version: '3.2.1', private: true, type: 'module', dependencies }),
    'src/main.ts': mainFile,
    Dockerfile: blockOfGuide('dockerfile'),
    '.dockerignore': blockOfGuide('text'),
    '.env': secret,
    'src/.env': secret,
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), content);
  }
  await runProgram('npm', ['install', '--package-lock-only', '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: project,
  });
  return project;
}

beforeAll(async () => {
  folder = mkdtempSync(join(buildFolder, 'own-app-'));
  const { filename } = await pack(folder);
  await using registry = await serveFile(join(folder, filename));
  const context = await createProject(registry.url);
  const builder = createBuildah(buildFolder);
  const tag = 'localhost/poems:test';
  await builder.build({ ...npmAccess(folder, secret), context, tag, buildArgs: { NODE_IMAGE: base } });
  app = { root: (await builder.unpack(tag)).root, config: (await builder.inspect(tag)).config };
});

describe('the Dockerfile of the guide', () => {
  test('makes an image of a user’s app, which serves in production and drains at SIGTERM', async () => {
    await using provider = await startFakeProvider();
    await provider.script('Roses are red.');
    const ports = { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' };
    const settings = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: provider.baseUrl, AUTH_MODE: 'none' };
    const dataDir = join(folder, 'volume');
    mkdirSync(dataDir);
    await using command = startCommand([], imageCommand(app, { dataDir, env: { ...ports, ...settings } }));
    const [, url = ''] = await command.printed(/"url":"([^"]+)".*"accepting requests"/);
    const response = await fetch(`${url}/api/v1/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'A poem, please.' }),
    });
    expect(await response.json()).toMatchObject({ status: 'completed', response: 'Roses are red.', agent: 'poet' });
    process.kill(firstProcess(command.pid), 'SIGTERM');
    expect(await command.closed).toBe(0);
    expect(command.output()).toContain('"drained":true');
  });

  test('gives that image the same user, volume, ports, environment and check as the one of this repository', () => {
    const { config } = inject('imageBuild').unpacked;
    const comparable = ({ User, Volumes, ExposedPorts, Env, Healthcheck }: typeof config) => ({
      User,
      Volumes,
      ExposedPorts,
      Env,
      Healthcheck,
    });
    expect(comparable(app.config)).toEqual(comparable(config));
  });

  test('leaves settings files out of the image', async () => {
    const { stdout } = await runProgram('find', [join(app.root, 'app'), '-name', '.env*']);
    expect(stdout).toBe('');
  });
});
