/**
 * The command-line tool as a process of its own that a test talks to while it runs.
 *
 *   await using dev = startCommand(['dev'], { cwd: project.folder });
 *   await dev.printed(/API +(\S+)/);
 *   dev.kill('SIGINT');
 *   expect(await dev.closed).toBe(0);
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killGroup, spawnProcess } from './child-processes.ts';
import { waitMsMax } from './limits.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export type CommandOptions = {
  cwd?: string;
  /** The environment, beside the path and the home folder. */
  env?: Record<string, string | undefined>;
  /** What is started with the parameters. Defaults to the launcher of this repository. */
  program?: [string, ...string[]];
  /** Starts it by a shell, as `npm run` does; then `pid` is the shell's. Defaults to false. */
  byShell?: boolean;
};

/** A running command. */
export type Command = {
  readonly pid: number;
  /** What it has printed so far, on both streams, in the order in which it came. */
  output(): string;
  /**
   * Resolves with the first match, now or later, after what earlier calls have found. Rejects when the command has
   * ended without it.
   */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal to the command alone, or to its group as a terminal does. */
  kill(signal: NodeJS.Signals, to?: 'command' | 'group'): void;
  /** Resolves with the exit code or the signal once the command, and all that share its output, have ended. */
  readonly closed: Promise<number | NodeJS.Signals>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts the command-line tool with these parameters; it is killed when the test ends. */
export function startCommand(args: string[], { cwd = root, env, program, byShell }: CommandOptions = {}): Command {
  const [file, ...before] = program ?? [process.execPath, join(root, 'bin/agent-service.mjs')];
  const parameters = [...before, ...args];
  const child = spawnProcess(
    byShell ? 'sh' : file,
    byShell ? ['-c', '"$0" "$@"; true', file, ...parameters] : parameters,
    {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  let seen = 0;
  let looking: () => void = () => {};
  let isClosed = false;
  const closed = once(child, 'close').then(([code, signal]) => {
    isClosed = true;
    looking();
    return (code ?? signal) as number | NodeJS.Signals;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      looking();
    });
  }

  function printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const late = AbortSignal.timeout(waitMsMax);
      const fail = (why: string) => reject(new Error(`${why} without printing ${pattern}; it printed:\n${output}`));
      late.addEventListener('abort', () => fail(`${waitMsMax} ms went by`));
      looking = () => {
        const match = pattern.exec(output.slice(seen));
        if (match) {
          seen += match.index + match[0].length;
          looking = () => {};
          resolve(match);
        } else if (isClosed) fail('The command ended');
      };
      looking();
    });
  }

  const { pid = 0 } = child;
  return {
    pid,
    output: () => output,
    printed,
    kill: (signal, to = 'command') => void process.kill(to === 'group' ? -pid : pid, signal),
    closed,
    async [Symbol.asyncDispose]() {
      if (!isClosed) killGroup(child);
      await closed;
    },
  };
}
