import { type ChildProcess, spawn } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { readEnvironment } from '../process/environment.ts';
import type { ModuleReport } from './dev-child.ts';
import { createFileWatcher } from './file-watcher.ts';
import { programFile } from './program-file.ts';

/** A key pressed once may arrive twice, since npm hands on what the terminal has sent to all; later ones are meant. */
const sameKeyMs = 500;
/** How often it is looked whether the npm that started us is still there. */
const lookForNpmMs = 500;
/** How much longer than its own deadlines allow a program may take to end before it is killed: it hangs. */
const hangMs = 15_000;
/** Files that no module is, and that a program depends on all the same: its settings, its packages. */
const filesBeside = ['.env', 'package.json'];

const notice = (text: string) => process.stdout.write(`agent-service dev: ${text}\n`);

const seconds = (value: string | undefined) => Number(value) || 0;

/**
 * The environment of the program: one process, whose modules are watched. A reload does not wait long for runs in flight,
 * unless somebody wants it to.
 */
function developmentEnvironment() {
  const { SHUTDOWN_GRACE: given, PRESTOP_DELAY } = readEnvironment();
  const SHUTDOWN_GRACE = given || '1';
  const APP_ENV = process.env.APP_ENV || 'development';
  const env = { ...process.env, APP_ENV, SHUTDOWN_GRACE, WEB_CONCURRENCY: '1' };
  return { env, killAfterMs: (seconds(SHUTDOWN_GRACE) + seconds(PRESTOP_DELAY)) * 1000 + hangMs };
}

const inWords = (end: number | NodeJS.Signals) =>
  typeof end === 'number' ? `ended with code ${end}` : `was ended by ${end}`;

/** Kills a program with what it has started. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === 'win32') child.kill('SIGKILL');
  else process.kill(-child.pid, 'SIGKILL');
}

/** Runs this command line again to `start` the program, and tells which modules it loads. */
function startProgram(file: string, onModule: (file: string) => void) {
  const { env, killAfterMs } = developmentEnvironment();
  const [, commandLine = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, commandLine, 'start', '--report-modules', file], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
    // A group of its own: a terminal's Ctrl-C reaches it through us, once.
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
    /** Ends it gracefully, or at last by force. */
    async stop(): Promise<void> {
      stopping = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child), killAfterMs);
      await ended.finally(() => clearTimeout(timer));
    },
  };
}

type Program = ReturnType<typeof startProgram>;

/**
 * npm that is told to end hands that on to the shell between us, which dies of it and tells nobody. It is seen by our
 * becoming somebody else's child.
 */
function whenNpmIsGone(end: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), lookForNpmMs).unref();
}

/** Aborts at the first signal to end, and calls `onSecond` at the next one that is meant. */
function whenToldToEnd(onSecond: () => void): AbortSignal {
  const ending = new AbortController();
  let firstMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!ending.signal.aborted) firstMs = performance.now();
      else if (performance.now() - firstMs > sameKeyMs) onSecond();
      ending.abort();
    });
  }
  whenNpmIsGone(() => ending.abort());
  return ending.signal;
}

/**
 * Serves by the user's program in a process of its own, which is started again whenever one of its files changes, also
 * after it has failed. The first signal ends it gracefully, the second at once; nothing is left behind.
 */
export async function dev(file: string): Promise<void> {
  const path = programFile(file);
  let program: Program | undefined;
  const ending = whenToldToEnd(() => program?.kill());
  const told = new Promise<null>((resolve) => ending.addEventListener('abort', () => resolve(null)));
  while (!ending.aborted) {
    const change = Promise.withResolvers<string>();
    const watcher = createFileWatcher(change.resolve);
    for (const each of [path, ...filesBeside.map((name) => resolve(name))]) watcher.watch(each);
    program = startProgram(file, watcher.watch);
    const changed = await Promise.race([change.promise, told]);
    if (changed !== null) notice(`${relative('', changed)} has changed, restarting`);
    await program.stop();
    watcher.clear();
  }
}
