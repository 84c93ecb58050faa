import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { killGroup, spawnProcess } from '../support/child-processes.ts';
import type { RunningServer } from './definition.ts';

/** How long a server may take to load its model, in ms. */
const loadMsMax = 240_000;

/** How long a server gets to end after SIGTERM, in ms; then it is killed. */
const endMsMax = 10_000;

/** How many lines of the server's log are shown when it fails. */
const logLinesMax = 20;

/** A port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How a server is started and when it is ready. */
export type ServerProcess = {
  program: string;
  args: string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** The line of its output that says it is ready. */
  ready: RegExp;
  /** The URL of its API; by default what the first group of `ready` has found, with `/v1`. */
  baseUrl?: string;
};

/** The first group of the line that says the server is ready; rejects with the end of its log if it ends before. */
function readyLine(child: ChildProcess, ready: RegExp): Promise<string> {
  const log: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The model server ${why}:\n${log.join('\n')}`));
    AbortSignal.timeout(loadMsMax).addEventListener('abort', () => fail('did not get ready'));
    child.once('close', (code) => fail(`ended with code ${code}`));
    child.once('error', (error) => fail(`did not start (${error.message})`));
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input: input as NodeJS.ReadableStream }).on('line', (line) => {
        log.push(line);
        if (log.length > logLinesMax) log.shift();
        const found = ready.exec(line);
        if (found !== null) resolve(found[1] ?? '');
      });
    }
  });
}

/** Starts a server and waits until it is ready. Stopped, all processes that it had started have ended. */
export async function startServer({ program, args, cwd, env, ready, baseUrl }: ServerProcess): Promise<RunningServer> {
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
  const child = spawnProcess(program, args, { cwd, env: { ...process.env, ...env }, stdio });
  const stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // tidy: sleep because a server that does not end by SIGTERM has to be killed
    const limit = setTimeout(() => killGroup(child), endMsMax);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(limit);
    killGroup(child);
  };
  try {
    const address = await readyLine(child, ready);
    return { baseUrl: baseUrl ?? `${address}/v1`, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
