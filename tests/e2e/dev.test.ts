import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../support/child-processes.ts';
import { type Command, startCommand } from '../support/command.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { createProject, type Project } from '../support/project.ts';

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  import { word } from './word.ts';

  process.stdout.write(\`program \${process.pid} says \${word}\\n\`);
  const helper = new Agent({ name: 'helper', instructions: 'You are a helper.' });
  await serve({ agents: { helper } });
`;
const wordFile = (word: string) => `export const word: string = '${word}';\n`;

const createHelper = () => createProject({ 'src/main.ts': mainFile, 'src/word.ts': wordFile('one') });

const startDev = ({ folder, env }: Project, more: Record<string, string> = {}) =>
  startCommand(['dev'], { cwd: folder, env: { ...env, ...more } });

/** Where the service is, once its banner is complete. */
async function banner(dev: Command): Promise<{ url: string; probeUrl: string; curl: string }> {
  const [, url = ''] = await dev.printed(/API +(\S+)\n/);
  const [, probeUrl = ''] = await dev.printed(/Probes +(\S+)\n/);
  const [, curl = ''] = await dev.printed(/^ +(curl .*)\n/m);
  return { url, probeUrl, curl };
}

async function says(dev: Command, word: string): Promise<number> {
  const [, pid] = await dev.printed(new RegExp(`program (\\d+) says ${word}\\n`));
  return Number(pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const ask = (url: string) =>
  fetch(`${url}/api/v1/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Hi' }),
  });

/** Takes a port, so that the service finds it taken. */
async function takePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

describe('what `dev` prints once it serves', () => {
  test('says where the API, its documentation and the probes are, and that a simulated model answers', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    const { url, probeUrl } = await banner(dev);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(probeUrl)).status).toBe(200);
    expect(dev.output()).toContain(`Docs    ${url}/docs\n`);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect(dev.output()).toContain('There is no OPENAI_API_KEY: a simulated model answers');
    expect(dev.output()).not.toContain('accepting requests'); // the log line of other environments
  });

  test('is that of one process, whatever WEB_CONCURRENCY says', async () => {
    await using project = createHelper();
    await using dev = startDev(project, { WEB_CONCURRENCY: '3' });
    await banner(dev);
    expect(dev.output().match(/program \d+ says one/g)).toHaveLength(1);
  });

  test('has a first request that works when it is pasted', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    const { curl } = await banner(dev);
    const { stdout } = await runProgram('sh', ['-c', `${curl} --silent`]);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', agent: 'helper', simulated: true });
  });

  test('has a first request that names the key where one is needed, and does not show it', async () => {
    await using project = createHelper();
    const key = 'key-of-the-administrator';
    await using dev = startDev(project, { AUTH_MODE: 'api_key', ADMIN_API_KEY: key });
    const { curl } = await banner(dev);
    const env = { PATH: process.env.PATH, ADMIN_API_KEY: key };
    const { stdout } = await runProgram('sh', ['-c', `${curl} --silent`], { env });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed' });
    expect(dev.output()).not.toContain(key);
  });

  test('says which port was taken and which free one it took', async () => {
    await using project = createHelper();
    await using api = await takePort();
    await using probes = await takePort();
    await using dev = startDev(project, { PORT: `${api.port}`, METRICS_PORT: `${probes.port}` });
    const { url, probeUrl } = await banner(dev);
    const [apiPort, probePort] = [new URL(url).port, new URL(probeUrl).port];
    expect(dev.output()).toContain(`Port ${api.port} is taken; listening on ${apiPort}.`);
    expect(dev.output()).toContain(`Port ${probes.port} is taken; probes are answered on ${probePort}.`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(probeUrl)).status).toBe(200);
  });
});

describe('when a file changes', () => {
  test('`dev` serves what it says now, each time, however the editor saves it', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    await says(dev, 'one');
    await banner(dev);
    for (const word of ['two', 'three']) {
      project.save('src/word.ts', wordFile(word));
      await dev.printed(/src\/word\.ts has changed, restarting/);
      await says(dev, word);
      await banner(dev);
    }
    project.write('src/word.ts', wordFile('four'));
    await says(dev, 'four');
    const { url } = await banner(dev);
    expect((await ask(url)).status).toBe(200);
  });

  test('a change of .env takes effect', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    await banner(dev);
    project.write('.env', 'APP_NAME=renamed\n');
    await dev.printed(/\.env has changed/);
    const { url } = await banner(dev);
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { info: { title: string } };
    expect(document.info.title).toBe('renamed');
  });

  test('a run in flight does not hold the restart up', async () => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    await using dev = startDev(project, { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: 'sk-test' });
    const { url } = await banner(dev);
    await provider.script({ text: 'Never.', hold: 'stuck' });
    const running = ask(url);
    await provider.held('stuck');
    project.save('src/word.ts', wordFile('two'));
    expect(await (await running).json()).toMatchObject({ code: 'shutting_down' });
    await says(dev, 'two');
  });

  test('a run in flight is waited for where SHUTDOWN_GRACE says so', async () => {
    await using provider = await startFakeProvider();
    await using project = createHelper();
    project.write('.env', 'SHUTDOWN_GRACE=600\n');
    await using dev = startDev(project, { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: 'sk-test' });
    const { url } = await banner(dev);
    await provider.script({ text: 'Finished.', hold: 'in flight' });
    const running = ask(url);
    await provider.held('in flight');
    project.save('src/word.ts', wordFile('two'));
    await dev.printed(/INFO: stopping/);
    await provider.release('in flight');
    expect((await running).status).toBe(200);
    await says(dev, 'two');
  });
});

/** Both, whichever comes first: the program and `dev` write to different streams. */
const inAnyOrder = ({ source: one }: RegExp, { source: other }: RegExp) =>
  new RegExp(`${one}[^]*${other}|${other}[^]*${one}`);

describe('a mistake is shown, and `dev` recovers when it is mended', () => {
  const noAgent = mainFile.replace('agents: { helper }', 'agents: {}');
  const noServe = mainFile.replace('await serve', 'void');

  test.each([
    { mistake: 'a syntax error', path: 'src/word.ts', content: 'export const word: string = ;', shown: /word\.ts:1/ },
    { mistake: 'an import of no file', path: 'src/word.ts', content: "import './gone.ts';", shown: /gone\.ts/ },
    {
      mistake: 'an exception',
      path: 'src/word.ts',
      content: `${wordFile('two')}throw new Error('oh no 4711');`,
      shown: /oh no 4711/,
    },
    { mistake: 'a wrong option', path: 'src/main.ts', content: noAgent, shown: /serve\(\) needs at least one agent/ },
    { mistake: 'no serve()', path: 'src/main.ts', content: noServe, shown: /src\/main\.ts ended without serving/ },
    { mistake: 'a wrong setting', path: '.env', content: 'LOG_LEVEL=LOUD\n', shown: /LOG_LEVEL: found "LOUD"/ },
  ])('$mistake', async ({ path, content, shown }) => {
    await using project = createHelper();
    await using dev = startDev(project);
    await banner(dev);
    project.save(path, content);
    await dev.printed(
      inAnyOrder(shown, /the program ended with code 1; it starts again when one of its files changes/),
    );
    if (path === 'src/main.ts') project.save(path, mainFile.replace('says', 'now says'));
    else if (path === '.env') project.remove(path);
    else project.save(path, wordFile('mended'));
    const { url } = await banner(dev);
    expect((await ask(url)).status).toBe(200);
  });

  test('a file that was missing starts it when it is made', async () => {
    await using project = createProject({ 'src/main.ts': mainFile });
    await using dev = startDev(project);
    await dev.printed(/Cannot find module/);
    await dev.printed(/it starts again/);
    project.write('src/word.ts', wordFile('made'));
    const { url } = await banner(dev);
    expect((await ask(url)).status).toBe(200);
  });
});

describe('the end of `dev`', () => {
  test.each([
    { by: 'Ctrl-C, which a terminal sends to the whole group,', signal: 'SIGINT', to: 'group' },
    { by: 'SIGTERM to the command alone', signal: 'SIGTERM', to: 'command' },
    { by: 'SIGHUP, as when its terminal is closed,', signal: 'SIGHUP', to: 'command' },
  ] as const)('by $by stops the service gracefully and leaves nothing behind', async ({ signal, to }) => {
    await using project = createHelper();
    await using dev = startDev(project);
    const pid = await says(dev, 'one');
    await banner(dev);
    dev.kill(signal, to);
    expect(await dev.closed).toBe(0);
    expect(dev.output()).toMatch(/INFO: stopped\n +drained: true/);
    expect(isAlive(pid)).toBe(false);
  });

  test('by Ctrl-C that npm hands on once more is as graceful', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    await banner(dev);
    dev.kill('SIGINT', 'group');
    dev.kill('SIGINT');
    expect(await dev.closed).toBe(0);
    expect(dev.output()).toMatch(/INFO: stopped\n +drained: true/);
  });

  test('by SIGTERM to the npm that started it leaves nothing behind, though npm ends its shell alone', async () => {
    await using project = createHelper();
    const env = { ...project.env, npm_lifecycle_event: 'dev' };
    await using dev = startCommand(['dev'], { cwd: project.folder, env, byShell: true });
    await banner(dev);
    dev.kill('SIGTERM');
    expect(await dev.closed).toBe('SIGTERM');
  });

  test('by SIGKILL leaves nothing behind either', async () => {
    await using project = createHelper();
    await using dev = startDev(project);
    const { url } = await banner(dev);
    dev.kill('SIGKILL');
    expect(await dev.closed).toBe('SIGKILL');
    expect(dev.output()).toMatch(/INFO: stopped\n +drained: true/);
    await expect(fetch(url)).rejects.toThrow();
  });

  test('by a second Ctrl-C does not wait for a program that hangs', async () => {
    const hangs = mainFile.replace('agents: { helper }', 'agents: { helper }, onStop: () => new Promise(() => {})');
    await using project = createProject({ 'src/main.ts': hangs, 'src/word.ts': wordFile('one') });
    await using dev = startDev(project);
    const pid = await says(dev, 'one');
    const { probeUrl } = await banner(dev);
    dev.kill('SIGINT');
    await dev.printed(/INFO: stopping/);
    // One that comes soon after the first would be taken for the same key press.
    while (isAlive(pid)) {
      dev.kill('SIGINT');
      await fetch(probeUrl).catch(() => 'the service is gone');
    }
    expect(await dev.closed).toBe(0);
  });

  test('is possible while the program is down', async () => {
    await using project = createProject({ 'src/main.ts': "throw new Error('down');" });
    await using dev = startDev(project);
    await dev.printed(/it starts again/);
    dev.kill('SIGINT', 'group');
    expect(await dev.closed).toBe(0);
  });
});
