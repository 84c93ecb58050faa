/** The service as the first process of a PID namespace, as in a container, where signals without a handler are lost. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { firstProcess } from '../support/image/image-process.ts';
import { createProject } from '../support/project.ts';

const program: [string, ...string[]] = ['unshare', '--user', '--pid', '--fork', '--mount-proc', '--kill-child', '--'];

/** Why this machine makes no PID namespace for this user; empty if it does. */
function findRefusal(): string {
  const [file, ...namespaces] = program;
  const { error, status, stderr } = spawnSync(file, [...namespaces, 'true'], { encoding: 'utf8' });
  return status === 0 ? '' : (error?.message ?? stderr);
}
const refusal = findRefusal();

const mainFile = `
  import { Agent } from '@openai/agents';
  import { serve } from 'agent-service';
  console.log('process', process.pid);
  await serve({ agents: { helper: new Agent({ name: 'Helper', instructions: 'You help.' }) } });
`;

/** A project with a program that prints its process id. */
function createHelper() {
  const project = createProject({ 'main.mjs': mainFile, 'package.json': '{"name": "helper", "type": "module"}' });
  const bin = join(project.folder, 'node_modules/.bin');
  mkdirSync(bin);
  symlinkSync('../agent-service/bin/agent-service.mjs', join(bin, 'agent-service'));
  return project;
}

const launcher = 'node_modules/.bin/agent-service';
const ways: [string, string[]][] = [
  ['the launcher', [launcher, 'start', 'main.mjs']],
  ['the program', [process.execPath, 'main.mjs']],
  ['sh -c with exec', ['sh', '-c', `exec ${launcher} start main.mjs`]],
];
const signals = ['SIGTERM', 'SIGINT'] as const;
const cases = ways.flatMap(([name, way]) => signals.map((signal) => ({ name, way, signal })));

// Only root or a user namespace can make a process the first one of a PID namespace.
const testHere = refusal === '' ? test : test.skip;

if (refusal !== '') process.stdout.write(`skipped: this machine makes no PID namespace: ${refusal}\n`);

testHere.each(cases)('$name as process 1 drains on $signal from outside', async ({ way, signal }) => {
  await using provider = await startFakeProvider();
  await provider.script({ text: 'Finished.', hold: 'in flight' });
  await using project = createHelper();
  const env = { ...project.env, APP_ENV: 'test', OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: 'sk-test' };
  await using command = startCommand(way, { program, cwd: project.folder, env });
  expect((await command.printed(/^process (\d+)$/m))[1]).toBe('1');
  const [, url] = await command.printed(/"url":"([^"]+)".*"accepting requests"/);
  const answer = fetch(`${url}/api/v1/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"message":"Hi"}',
  });
  await provider.held('in flight');
  process.kill(firstProcess(command.pid), signal);
  await command.printed(/"msg":"stopping"/);
  await provider.release('in flight');
  expect(await (await answer).json()).toMatchObject({ response: 'Finished.' });
  await command.closed;
  expect(command.output()).toContain('"drained":true');
});

testHere('a shell that stays process 1 keeps signals from the service, which the start tells', async () => {
  await using project = createHelper();
  const env = { ...project.env, APP_ENV: 'test', OPENAI_API_KEY: 'sk-test' };
  const way = ['sh', '-c', `${launcher} start main.mjs; true`];
  await using command = startCommand(way, { program, cwd: project.folder, env });
  await command.printed(/process 1 of this container is a shell or npm, which lets no signal through/);
});
