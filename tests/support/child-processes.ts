/**
 * The processes that tests start, all in one place, so that none of them outlives its test: a test that times out never
 * gets to the end of its `await using`. `end-processes.ts` ends what is left after each test file. Where this process
 * dies first, by SIGKILL too, its reaper ends them.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** How a process is ended that is left over. */
export type EndOptions = {
  /** Defaults to SIGKILL. */
  signal?: 'SIGKILL' | 'SIGQUIT';
  /** Whether the process leads a group, which is ended as a whole. Defaults to true, which needs `detached`. */
  group?: boolean;
};

/** A process that was left over by a test. */
export type LeftProcess = { command: string; testId: string | null };

type Entry = LeftProcess & { child: ChildProcess; closed: Promise<unknown>; target: number; signal: NodeJS.Signals };

const entries = new Map<ChildProcess, Entry>();
let testId: string | null = null;

/**
 * A shell that reads lines `+ <signal>:<target>` and `- <signal>:<target>`, and sends the signals that are left when its
 * input ends. Its input ends with the process that holds the other end, whatever ended that.
 */
const reaperScript = `
trap '' HUP INT QUIT TERM
left=
while read -r sign entry; do
  kept=
  for each in $left; do [ "$each" = "$entry" ] || kept="$kept $each"; done
  left=$kept
  [ "$sign" = - ] || left="$left $entry"
done
for each in $left; do kill -s "\${each%%:*}" -- "\${each#*:}"; done`;

let reaper: ChildProcess | null = null;

/** Starts the reaper of this process; a terminal's Ctrl-C does not reach its group. */
function startReaper(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', reaperScript], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.unref();
  (child.stdin as Socket).on('error', () => {}).unref();
  return child;
}

function notifyReaper(sign: '+' | '-', { signal, target }: Entry): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${sign} ${signal.slice(3)}:${target}\n`);
}

function send({ target, signal }: Entry): void {
  try {
    process.kill(target, signal);
  } catch {
    // The process has ended, and its group with it.
  }
}

/** Has this process end with its test file at the latest, and with the process that started it. */
export function endWithTests<Child extends ChildProcess>(
  child: Child,
  { signal, group = true }: EndOptions = {},
): Child {
  const { pid } = child;
  if (pid === undefined) return child; // it could not be started
  const entry: Entry = {
    child,
    command: child.spawnargs.join(' '),
    testId,
    closed: once(child, 'close'),
    target: group ? -pid : pid,
    signal: signal ?? 'SIGKILL',
  };
  entries.set(child, entry);
  notifyReaper('+', entry);
  // Not its exit: processes that it has started may have its output still.
  child.once('close', () => forgetProcess(child));
  return child;
}

/** Leaves a process alone from now on, such as one that has been ended otherwise. */
export function forgetProcess(child: ChildProcess): void {
  const entry = entries.get(child);
  if (entry && entries.delete(child)) notifyReaper('-', entry);
}

/** `spawn` for tests: the process leads a group of its own, and ends with its test file at the latest. */
export const spawnProcess = ((program: string, args: string[], options: SpawnOptions) =>
  endWithTests(spawn(program, args, { ...options, detached: true }))) as typeof spawn;

/** Ends all processes of the group that this one leads. */
export function killGroup({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid !== undefined) send({ target: -pid, signal: 'SIGKILL' } as Entry);
}

/** Names the test that starts processes from now on; null between tests. */
export function setCurrentTest(id: string | null): void {
  testId = id;
}

/** Ends all processes that are left, and waits until they have ended. Resolves with those that were still running. */
export async function endProcesses(): Promise<LeftProcess[]> {
  const left = [...entries.values()];
  const running = left.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  for (const entry of left) send(entry);
  await Promise.all(left.map(({ closed }) => closed));
  return running.map(({ command, testId }) => ({ command, testId }));
}

/** The process id of the reaper; null before anything was started. */
export const reaperPid = (): number | null => reaper?.pid ?? null;

/** What a program printed. */
export type ProgramOutput = { stdout: string; stderr: string };

/** How a program is run that ends by itself. */
export type ProgramOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** After so many ms it is killed, with all that it has started. Defaults to never. */
  timeoutMs?: number;
  /** Is given what it prints, as it prints it. */
  onOutput?: (text: string) => void;
};

/**
 * Runs a program to its end.
 *
 * @throws {Error} with `code`, `stdout` and `stderr` if it ends with another code than 0, or by a signal
 */
export async function runProgram(
  program: string,
  args: string[],
  { cwd, env, timeoutMs, onOutput = () => {} }: ProgramOptions = {},
): Promise<ProgramOutput> {
  const child = spawnProcess(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  // Its whole group: what it has started may have its output, and would keep it open.
  limit?.addEventListener('abort', () => killGroup(child));
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      printed[name] += chunk;
      onOutput(chunk);
    });
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return printed;
  const end = limit?.aborted ? `was ended after ${Number(timeoutMs) / 1000} s` : `ended with ${code ?? signal}`;
  const message = `${program} ${args.join(' ')} ${end}:\n${printed.stderr}`;
  throw Object.assign(new Error(message), { code, ...printed });
}
