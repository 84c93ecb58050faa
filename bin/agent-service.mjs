#!/usr/bin/env node
// Starts the command line with a Node that is new enough: the one that runs this file, else the one that the `node`
// package put into the user's project. This file itself has to run on older versions.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeMajorMin = 24;
const majorOf = (version) => Number(version.split('.')[0]);
const commandLine = new URL('../dist/cli/main.js', import.meta.url);

/** Prints what is wrong and what to do, and ends. */
function fail(message) {
  process.stderr.write(`agent-service: ${message}\n`);
  process.exit(1);
}

/** The project's own Node, in this folder or one above it; null when there is none that is new enough. */
function findProjectNode(folder) {
  const home = join(folder, 'node_modules', 'node');
  for (const name of ['node', 'node.exe']) {
    const program = join(home, 'bin', name);
    if (existsSync(program) && existsSync(join(home, 'package.json'))) {
      const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
      // A program that is this process already was not new enough, whatever its package says.
      if (majorOf(version) >= nodeMajorMin && realpathSync(program) !== process.execPath) return program;
    }
  }
  return dirname(folder) === folder ? null : findProjectNode(dirname(folder));
}

/** Runs this file again with another Node, as if it were this process: same streams, signals, and end. */
function runWith(program) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(program, [...process.execArgv, self, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, AGENT_SERVICE_LAUNCHER: `${process.pid}` }, // it ends when this process is killed
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes; a second SIGINT would tell the child not to finish its work.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${program} cannot be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (majorOf(process.versions.node) >= nodeMajorMin) {
  if (!existsSync(commandLine)) fail('dist/ is missing; in a clone of the repository, `npm run build` makes it');
  await import(commandLine.href);
} else {
  const program = findProjectNode(process.cwd());
  if (program !== null) runWith(program);
  else {
    fail(
      `needs Node ${nodeMajorMin}, this is ${process.versions.node}. ` +
        `\`npm install --save-dev node@${nodeMajorMin}\` puts one into the project.`,
    );
  }
}
