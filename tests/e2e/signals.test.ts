/** The ways in which people start the service, most of which put processes between a signal and the service. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../support/child-processes.ts';
import { type Command, startCommand } from '../support/command.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createProject, type Project } from '../support/project.ts';

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  await serve({ agents: { helper: new Agent({ name: 'Helper', instructions: 'You help.' }) } });
`;

const scripts = {
  start: 'agent-service start main.mjs',
  serve: 'npm start',
  became: 'exec agent-service start main.mjs',
  after: 'true && FROM_SCRIPT=1 node main.mjs; exit $?',
};

/** The package managers and tsx, which are installed once. */
let tools: string;
beforeAll(async () => {
  tools = mkdtempSync(join(tmpdir(), 'agent-service-tools-'));
  const flags = ['--prefix', tools, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await runProgram('npm', ['install', ...flags, 'tsx@4', 'pnpm@10', 'yarn@1'], { cwd: tools });
});
afterAll(() => rmSync(tools, { recursive: true, force: true }));

function createHelper(): Project {
  const project = createProject({
    'main.mjs': mainFile,
    'main.ts': mainFile,
    'package.json': JSON.stringify({ name: 'helper', type: 'module', scripts }),
  });
  const bin = join(project.folder, 'node_modules/.bin');
  mkdirSync(bin);
  symlinkSync('../agent-service/bin/agent-service.mjs', join(bin, 'agent-service'));
  symlinkSync(join(tools, 'node_modules/tsx'), join(project.folder, 'node_modules/tsx'));
  symlinkSync('../tsx/dist/cli.mjs', join(bin, 'tsx')); // npx looks for it in the project
  return project;
}

type Way = [program: string, ...args: string[]];

function start([file, ...args]: Way, project: Project, provider: FakeProvider, env: Record<string, string> = {}) {
  return startCommand(args, {
    program: [file],
    cwd: project.folder,
    env: {
      ...project.env,
      PATH: [process.env.PATH, join(tools, 'node_modules/.bin')].join(delimiter),
      APP_ENV: 'test',
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: 'sk-test',
      ...env,
    },
  });
}

/** Has a run in flight, and resolves with its answer to come. */
async function startRun(command: Command, provider: FakeProvider) {
  const [, url = ''] = await command.printed(/"url":"([^"]+)".*"accepting requests"/);
  await provider.script({ text: 'Finished.', hold: 'in flight' });
  const answer = fetch(`${url}/api/v1/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Hi' }),
  });
  await provider.held('in flight');
  return { answer, url };
}

/** Sends Ctrl-C to all processes of the command that are left. */
function pressCtrlC(command: Command): void {
  try {
    command.kill('SIGINT', 'group');
  } catch {
    // all have ended, and what they printed is on its way
  }
}

/** Expects that the run in flight is answered, and that no process is left that shares the output of the command. */
async function expectToDrain(command: Command, provider: FakeProvider, answer: Promise<Response>): Promise<void> {
  await command.printed(/"msg":"stopping"/);
  await provider.release('in flight');
  expect(await (await answer).json()).toMatchObject({ response: 'Finished.' });
  await command.closed;
  expect(command.output()).toContain('"drained":true');
}

const ways: [string, Way][] = [
  ['npx', ['npx', '--no-install', 'agent-service', 'start', 'main.mjs']],
  ['npm start', ['npm', 'start']],
  ['npm run of a script that calls npm', ['npm', 'run', 'serve']],
  ['npm run of a script that becomes the service', ['npm', 'run', 'became']],
  ['npm run of a script that does more', ['npm', 'run', 'after']],
  ['a shell', ['sh', '-c', 'node_modules/.bin/agent-service start main.mjs; true']],
  ['a shell that calls npx', ['sh', '-c', 'npx --no-install agent-service start main.mjs 2>&1; true']],
  ['node', ['node', 'main.mjs']],
  ['tsx', ['tsx', 'main.ts']],
  ['npx tsx', ['npx', 'tsx', 'main.ts']],
  ['pnpm start', ['pnpm', 'start']],
  ['yarn start', ['yarn', 'start']],
];

describe('a service that was started by', () => {
  test.each(ways)('%s drains on SIGTERM to that process, and leaves nothing behind', async (_, way) => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    await using command = start(way, project, provider);
    const { answer } = await startRun(command, provider);
    command.kill('SIGTERM');
    await expectToDrain(command, provider, answer);
  });

  test.each(ways)('%s drains on Ctrl-C in its terminal, which all of them get', async (_, way) => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    await using command = start(way, project, provider);
    const { answer } = await startRun(command, provider);
    command.kill('SIGINT', 'group');
    await expectToDrain(command, provider, answer);
  });

  test.each(ways.filter(([name]) => name !== 'node'))('%s drains on SIGKILL to that process', async (_, way) => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    await using command = start(way, project, provider);
    const { answer } = await startRun(command, provider);
    command.kill('SIGKILL');
    await expectToDrain(command, provider, answer);
  });

  test('npx drains all of its workers on SIGTERM', async () => {
    await using database = await createTestDatabase();
    await using provider = await startFakeProvider();
    await using project = createHelper();
    const env = { DATABASE_URL: database.url, WEB_CONCURRENCY: '2' };
    await using command = start(['npx', '--no-install', 'agent-service', 'start', 'main.mjs'], project, provider, env);
    const { answer } = await startRun(command, provider);
    command.kill('SIGTERM');
    await expectToDrain(command, provider, answer);
  });

  test('npx ends at once on a second signal', async () => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    await using command = start(['npx', '--no-install', 'agent-service', 'start', 'main.mjs'], project, provider);
    const { answer, url } = await startRun(command, provider);
    const lost = answer.catch(() => 'connection lost');
    command.kill('SIGINT', 'group');
    await command.printed(/"msg":"stopping"/);
    // One that comes soon after the first would be taken for the same key press.
    while (!command.output().includes('second SIGINT, exiting')) {
      pressCtrlC(command);
      await fetch(`${url}/healthz`).catch(() => 'the service is gone');
    }
    expect(await lost).toBe('connection lost');
    await command.closed;
  });
});
