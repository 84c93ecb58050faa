import type { ChildProcess } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { killGroup, spawnProcess } from '../tests/support/child-processes.ts';

const root = join(import.meta.dirname, '..');

const folders: string[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) killGroup(child);
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** The package with its launcher and a command line of the test's own, and a user's project in a folder of it. */
async function createProject(commandLine: string | null) {
  const folder = await mkdtemp(join(tmpdir(), 'launcher-'));
  folders.push(folder);
  const plant = async (path: string, content: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    return join(folder, path);
  };
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  await plant('package.json', '{ "type": "module" }');
  if (commandLine !== null) await plant('dist/cli/main.js', commandLine);
  await mkdir(join(folder, 'project/deep/inside'), { recursive: true });
  const pretendOld = await plant(
    'old.mjs',
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } });",
  );
  return {
    plant,
    folder,
    /** Installs a Node into the project whose package says that it has this version. */
    async installNode(version: string, atFolder = 'project') {
      await plant(`${atFolder}/node_modules/node/package.json`, JSON.stringify({ version }));
      const script = `#!/bin/sh\nunset NODE_OPTIONS\nINSTALLED_NODE=${version} exec "${process.execPath}" "$@"\n`;
      await chmod(await plant(`${atFolder}/node_modules/node/bin/node`, script), 0o755);
    },
    /** Starts the launcher in the depth of the project; `old` makes the first Node say that it is version 20. */
    start({ old, parameters = [] }: { old: boolean; parameters?: string[] }) {
      const child = spawnProcess(process.execPath, [join(folder, 'bin/agent-service.mjs'), ...parameters], {
        cwd: join(folder, 'project/deep/inside'),
        env: { PATH: process.env.PATH, ...(old && { NODE_OPTIONS: `--import=${pathToFileURL(pretendOld)}` }) },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.push(child);
      return follow(child);
    },
  };
}

/** What a child prints, and how it ends. */
function follow(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  const printed = Promise.withResolvers<void>();
  child.stdout?.on('data', (data) => {
    stdout += data;
    printed.resolve();
  });
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  const ended = new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, ended, printed: printed.promise };
}

const report = 'console.log(JSON.stringify([process.env.INSTALLED_NODE ?? null, ...process.argv.slice(2)]));';
const waitForever = "setInterval(() => {}, 1e6); console.log('ready');";

describe('the launcher', () => {
  test('runs the command line itself when Node is new enough', async () => {
    const project = await createProject(report);
    await project.installNode('24.0.0');
    const { ended } = project.start({ old: false, parameters: ['dev', '--port', '0'] });
    expect(await ended).toEqual({ code: 0, signal: null, stdout: '[null,"dev","--port","0"]\n', stderr: '' });
  });

  test('runs it with the Node of the project when its own is too old', async () => {
    const project = await createProject(report);
    await project.installNode('24.21.0');
    const { ended } = project.start({ old: true, parameters: ['dev', 'a b'] });
    expect(await ended).toEqual({ code: 0, signal: null, stdout: '["24.21.0","dev","a b"]\n', stderr: '' });
  });

  test('says what it needs and how to get it when there is no such Node', async () => {
    const project = await createProject(report);
    const { code, stdout, stderr } = await project.start({ old: true }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'agent-service: needs Node 24, this is 20.11.1. `npm install --save-dev node@24` puts one into the project.\n',
    );
  });

  test('passes by a Node of the project that is too old as well, and takes a newer one further up', async () => {
    const project = await createProject(report);
    await project.installNode('22.3.0');
    expect(await project.start({ old: true }).ended).toMatchObject({ code: 1 });
    await project.installNode('25.1.0', '.');
    expect(await project.start({ old: true }).ended).toMatchObject({ code: 0, stdout: '["25.1.0"]\n' });
  });

  test('does not start itself for ever when the Node of the project is the one that was too old', async () => {
    const project = await createProject(report);
    await project.plant('project/node_modules/node/package.json', '{ "version": "24.0.0" }');
    await mkdir(join(project.folder, 'project/node_modules/node/bin'));
    await symlink(process.execPath, join(project.folder, 'project/node_modules/node/bin/node'));
    const { code, stderr } = await project.start({ old: true }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('needs Node 24');
  });

  test('ends with the code that the command line ended with', async () => {
    const project = await createProject('process.exit(7);');
    await project.installNode('24.0.0');
    expect(await project.start({ old: true }).ended).toMatchObject({ code: 7, signal: null });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('hands %s on and lets the command line finish', async (signal) => {
    const project = await createProject(`process.on('${signal}', () => process.exit(5)); ${waitForever}`);
    await project.installNode('24.0.0');
    const { child, printed, ended } = project.start({ old: true });
    await printed;
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 5, signal: null });
  });

  test('ends by the signal that ended the command line', async () => {
    const project = await createProject(waitForever);
    await project.installNode('24.0.0');
    const { child, printed, ended } = project.start({ old: true });
    await printed;
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  test('says so when the package was not built', async () => {
    const project = await createProject(null);
    const { code, stderr } = await project.start({ old: false }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('`npm run build`');
  });
});
