import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../support/child-processes.ts';
import { type Command, startCommand } from '../support/command.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { pack } from '../support/packed.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const mainFile = `import { Agent } from '@openai/agents';
import { serve } from 'agent-service';

const poet = new Agent({ name: 'poet', instructions: 'You write poems.' });
await serve({ agents: { poet } });
`;

/** Everything that a user may name, so that the compiler looks at all of it. */
const typesFile = `import { type Agent } from '@openai/agents';
import {
  type ContextBuilder, type ErrorCode, RegistrationError, type RunFacts, type RunningService, serve, ServiceError,
  type ServeOptions, type SettingMistake, SettingsError,
} from 'agent-service';

export const context: ContextBuilder = ({ runId, tenant }: RunFacts) => ({ runId, tenant });
export const start = (agents: Record<string, Agent>): Promise<RunningService> => serve({ agents, context });
export const url = async (running: Promise<RunningService>): Promise<string | null> => (await running).url;
export const codeOf = (error: unknown): ErrorCode | null => (error instanceof ServiceError ? error.code : null);
export const mistakes = (error: SettingsError): readonly SettingMistake[] => error.mistakes;
export const isOurs = (error: unknown): boolean => error instanceof RegistrationError;
// What cannot be resolved would be "any", and then none of these a mistake.
// @ts-expect-error: agents are required
export const noAgents: ServeOptions = { entry: 'poet' };
// @ts-expect-error: these are no agents
export const noAgent: ServeOptions = { agents: { poet: 7 } };
// @ts-expect-error: there is no such code
export const noCode: ErrorCode = 'none';
// @ts-expect-error: there is no such fact
export const noFact: ContextBuilder = ({ weather }) => ({ weather });
`;

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    skipLibCheck: true, // the SDK's declarations do not pass the check
  },
  include: ['src'],
};

let folder = '';
let packed: string[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'agent-service-pack-')));
  const { filename, files } = await pack(folder);
  packed = files.map(({ path }) => path).sort();
  const sdk = JSON.parse(readFileSync(join(root, 'node_modules/@openai/agents/package.json'), 'utf8')).version;
  const zod = JSON.parse(readFileSync(join(root, 'node_modules/zod/package.json'), 'utf8')).version;
  const sources = {
    'package.json': '{ "name": "poems", "private": true, "type": "module" }',
    'tsconfig.json': JSON.stringify(tsconfig),
    'src/main.ts': mainFile,
    'src/types.ts': typesFile,
  };
  for (const [path, content] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const wanted = [`./${filename}`, `@openai/agents@${sdk}`, `zod@${zod}`];
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await runProgram('npm', ['install', ...flags, ...wanted], { cwd: folder });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npx = (args: string[], env: Record<string, string>) =>
  startCommand(args, {
    program: ['npx', '--no-install', 'agent-service'],
    cwd: folder,
    env: { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', ...env },
  });

async function ask(url: string) {
  const response = await fetch(`${url}/api/v1/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'A poem, please.', session_id: 's-1' }),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Stops a command as Ctrl-C does, and expects that it drained and left nothing behind. */
async function expectToStop(command: Command, url: string): Promise<void> {
  command.kill('SIGINT', 'group');
  await command.closed;
  expect(command.output()).toMatch(/"?drained"?: ?true/);
  await expect(fetch(url)).rejects.toThrow();
}

describe('the package', () => {
  const published =
    /^(dist\/.+\.(js|js\.map|d\.ts|sql)|bin\/agent-service\.mjs|package\.json|(README|CHANGELOG)\.md|LICENSE)$/;

  test('holds what users need', () => {
    const needed = ['bin/agent-service.mjs', 'dist/cli/main.js', 'dist/index.d.ts', 'dist/index.js', 'package.json'];
    expect(packed).toEqual(expect.arrayContaining([...needed, 'README.md', 'LICENSE']));
    const migrations = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.sql'),
    );
    expect(packed.filter((path) => path.endsWith('.sql'))).toEqual(migrations.map((path) => `dist/${path}`).sort());
  });

  test('holds nothing else: no source, no tests, no examples', () => {
    expect(packed.filter((path) => !published.test(path))).toEqual([]);
    expect(packed.filter((path) => /examples|\.(test|contract)\.|support|scripts/.test(path))).toEqual([]);
  });

  test('has source maps that need nothing outside of it', () => {
    const maps = packed.filter((path) => path.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(0);
    for (const path of maps) {
      const map = JSON.parse(readFileSync(join(folder, 'node_modules/agent-service', path), 'utf8'));
      expect({ path, contents: map.sourcesContent?.length }).toEqual({ path, contents: map.sources.length });
    }
  });

  test('has types that resolve in a strict project', async () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await runProgram(process.execPath, [compiler, '-p', '.'], { cwd: folder }).catch(
      (error) => error,
    );
    expect(stdout).toBe('');
  });
});

describe('a project that installed it', () => {
  test('has one copy of the SDK, its own', async () => {
    const { stdout } = await runProgram('npm', ['ls', '@openai/agents', '--all', '--parseable'], { cwd: folder });
    expect(stdout.trim().split('\n')).toEqual([join(folder, 'node_modules/@openai/agents')]);
  });

  test('is served for development by `npx agent-service dev`', async () => {
    await using dev = npx(['dev', 'src/main.ts'], { DATA_DIR: join(folder, 'dev-data') });
    const [, url = ''] = await dev.printed(/API +(\S+)\n/);
    await dev.printed(/curl/);
    expect(await ask(url)).toMatchObject({ status: 'completed', agent: 'poet', simulated: true });
    await expectToStop(dev, url);
  });

  test('is served in production by `npx agent-service start`', async () => {
    await using provider = await startFakeProvider();
    await provider.script('Roses are red.');
    await using start = npx(['start', 'src/main.ts'], {
      DATA_DIR: join(folder, 'start-data'),
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: provider.baseUrl,
      AUTH_MODE: 'none',
    });
    const [, url = ''] = await start.printed(/"url":"([^"]+)".*"accepting requests"/);
    expect(await ask(url)).toMatchObject({ status: 'completed', response: 'Roses are red.', simulated: false });
    await expectToStop(start, url);
  });
});
