import { type ChildProcess, spawn } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { type Environment, processEnvironment, readEnvironment } from '../process/environment.ts';
import { environmentFiles } from '../process/environment-files.ts';
import { devEnvironment, duplicateSignalMs, onParentsEnd } from '../process/parent-watch.ts';
import type { ModuleReport } from './dev-child.ts';
import { createFileWatcher } from './file-watcher.ts';
import { programFile } from './program-file.ts';

/** How much longer than its own deadlines a program may take to end, in ms. Then it counts as hung and is killed. */
const hangMs = 15_000;
/** The environment of a program that is developed. It is not read from files: it says which ones are read. */
const appEnv = () => process.env.APP_ENV?.trim() || 'development';
/** Files besides modules that a program depends on: its settings, its packages. */
const otherWatchedFiles = () => [...environmentFiles(appEnv()), 'package.json'];

const notice = (text: string) => process.stdout.write(`agent-service dev: ${text}\n`);

/** The environment of the program; without that of files that have mistakes, of which the program tells. */
function readableEnvironment(appEnv: string): Environment {
  try {
    return readEnvironment(appEnv);
  } catch {
    return processEnvironment();
  }
}

const seconds = (value: string | undefined) => Number(value) || 0;

/**
 * The environment of the program: one process, whose modules are watched. A reload waits 1 s for runs in flight, unless
 * `SHUTDOWN_GRACE` is set.
 */
function developmentEnvironment() {
  const APP_ENV = appEnv();
  const { SHUTDOWN_GRACE: configured, PRESTOP_DELAY } = readableEnvironment(APP_ENV);
  const SHUTDOWN_GRACE = configured || '1';
  const env = { ...process.env, APP_ENV, SHUTDOWN_GRACE, WEB_CONCURRENCY: '1', ...devEnvironment };
  return { env, killAfterMs: (seconds(SHUTDOWN_GRACE) + seconds(PRESTOP_DELAY)) * 1000 + hangMs };
}

const inWords = (end: number | NodeJS.Signals) =>
  typeof end === 'number' ? `ended with code ${end}` : `was ended by ${end}`;

/** Kills a program and the processes that it started. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === 'win32') child.kill('SIGKILL');
  else process.kill(-child.pid, 'SIGKILL');
}

/** Runs this command line again to `start` the program, and calls `onModule` for each module that it loads. */
function startProgram(file: string, onModule: (file: string) => void) {
  const { env, killAfterMs } = developmentEnvironment();
  const [, commandLine = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, commandLine, 'start', '--report-modules', file], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
    // A process group of its own: Ctrl-C in a terminal reaches it through this process, once.
    detached: process.platform !== 'win32',
  });
  let stopping = false;
  child.on('message', ({ module }: ModuleReport) => onModule(module));
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (!stopping)
        notice(`the program ${inWords(code ?? signal ?? 1)}; it starts again when one of its files changes`);
      resolve();
    });
  });

  return {
    kill: () => killGroup(child),
    /** Ends the program gracefully, or by force at the deadline. */
    async stop(): Promise<void> {
      stopping = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child), killAfterMs);
      await ended.finally(() => clearTimeout(timer));
    },
  };
}

type Program = ReturnType<typeof startProgram>;

/** Aborts at the first signal to end, and calls `onSecond` at the next one that is no duplicate. */
function endSignal(onSecond: () => void): AbortSignal {
  const ending = new AbortController();
  let firstMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!ending.signal.aborted) firstMs = performance.now();
      else if (performance.now() - firstMs > duplicateSignalMs) onSecond();
      ending.abort();
    });
  }
  onParentsEnd(() => ending.abort());
  return ending.signal;
}

/**
 * Runs the user's program in a child process, which is restarted whenever one of its files changes, also after it has
 * failed. The first signal ends it gracefully, the second at once. No process is left behind.
 */
export async function dev(file: string): Promise<void> {
  const path = programFile(file);
  let program: Program | undefined;
  const ending = endSignal(() => program?.kill());
  const ended = new Promise<null>((resolve) => ending.addEventListener('abort', () => resolve(null)));
  while (!ending.aborted) {
    const change = Promise.withResolvers<string>();
    const watcher = createFileWatcher(change.resolve);
    for (const watched of [path, ...otherWatchedFiles().map((name) => resolve(name))]) watcher.watch(watched);
    program = startProgram(file, watcher.watch);
    const changed = await Promise.race([change.promise, ended]);
    if (changed !== null) notice(`${relative('', changed)} has changed, restarting`);
    await program.stop();
    watcher.clear();
  }
}
