import { describe, expect, test } from 'vitest';
import { findParents, isSignalLost } from './parent-watch.ts';

/** Ancestors with these command lines, the parent first; their ids count from 10. */
const tree = (...commandLines: string[]) =>
  commandLines.map((line, at) => ({ pid: 10 + at, parentPid: 11 + at, words: line.split(' ') }));

const npm = { npm_lifecycle_event: 'start' };
const bash = '-bash';
const systemd = '/sbin/init';

describe('the processes whose end is a signal are', () => {
  test.each([
    ['none under a terminal', {}, [bash, 'sshd: me'], 0],
    ['none under a service manager', {}, [systemd], 0],
    ['none under a container runtime', {}, [], 0],
    ['none under a program that serves it as a child', {}, ['node supervisor.js', bash], 0],
    ['none under a script, which may leave it in the background', {}, ['/bin/sh ./start.sh', bash], 0],
    ['the shell that runs a command', {}, ['/bin/sh -c agent-service start; true', systemd], 1],
    ['none under a shell whose command leaves it', {}, ['sh -c agent-service start & sleep 1', systemd], 0],
    ['the shell of a command with redirections', {}, ['bash -c cd a && agent-service start >log 2>&1', systemd], 1],
    ['the launcher', { AGENT_SERVICE_LAUNCHER: '10' }, ['node bin/agent-service.mjs start', bash], 1],
    [
      'not the launcher of a parent',
      { AGENT_SERVICE_LAUNCHER: '11' },
      ['node app.js', 'node bin/agent-service.mjs'],
      0,
    ],
    ['tsx', {}, ['node /app/node_modules/.bin/tsx main.ts', bash], 1],
    ['npx and its shell', npm, ["sh -c 'agent-service' start", 'npm exec agent-service start', bash], 2],
    ['npm and its shell', npm, ['sh -c agent-service start', 'npm start', systemd], 2],
    ['npm where its shell has become the service', npm, ['npm start', systemd], 1],
    ['npm, its shell and the launcher', npm, ['node agent-service.mjs', 'sh -c agent-service start', 'npm start'], 3],
    ['npm and what else it runs', npm, ['node cross-env.js A=1 node main.js', 'sh -c cross-env', 'npm start', bash], 3],
    ['npm within npm', npm, ['sh -c node main.js', 'npm run serve', 'sh -c npm run serve', 'npm start', bash], 4],
    [
      'npm, its shell and tsx',
      npm,
      ['node /a/tsx/dist/cli.mjs main.ts', "sh -c 'tsx' main.ts", 'npm exec tsx main.ts'],
      3,
    ],
    ['pnpm', npm, ['sh -c agent-service start', 'node /usr/lib/node_modules/pnpm/bin/pnpm.cjs start', bash], 2],
    ['yarn', npm, ['/bin/sh -c agent-service start', 'node /usr/share/yarn/bin/yarn.js start', bash], 2],
    [
      'the shell of npx',
      npm,
      ['sh -c agent-service', 'npm exec agent-service', 'sh -c npx agent-service start; true'],
      3,
    ],
    [
      'none where a package script leaves it in the background',
      npm,
      ['sh -c agent-service start &', 'npm run bg', bash],
      0,
    ],
    ['none in a terminal that npm has opened', npm, ['bash -i', 'sh -c open-terminal', 'npm run terminal'], 0],
    ['none without the variables of npm', {}, ['node main.js', 'npm run all'], 0],
    [
      'none under `dev`, which ends its program itself',
      { ...npm, AGENT_SERVICE_DEV: '1' },
      ['node', 'sh -c a', 'npm'],
      0,
    ],
  ])('%s', (_, environment, commandLines, count) => {
    expect(findParents(environment, tree(...commandLines))).toEqual([10, 11, 12, 13].slice(0, count));
  });
});

test('a shell with a command and npm let no signal through where they are process 1', () => {
  const first = (...words: string[]) =>
    isSignalLost([
      { pid: 7, parentPid: 1, words: ['node'] },
      { pid: 1, parentPid: 0, words },
    ]);
  expect(first('sh', '-c', 'agent-service start')).toBe(true);
  expect(first('npm', 'start')).toBe(true);
  expect(first('/usr/bin/tini', '--', 'sh', '-c', 'agent-service start')).toBe(false);
  expect(first('/sbin/init')).toBe(false);
  expect(isSignalLost([{ pid: 7, parentPid: 1, words: ['sh', '-c', 'agent-service start'] }])).toBe(false);
});
