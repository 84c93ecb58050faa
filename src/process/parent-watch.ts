import { type ProcessEntry, parentOnLinux, readAncestors } from './process-table.ts';

/** The interval of the check that the processes which started this one still run, in ms. */
const checkMs = 250;

/** A signal may come twice, from the terminal and from npm, which forwards it: it counts once in so many ms. */
export const duplicateSignalMs = 500;

/** The variable by which the launcher tells its process id to the Node that it starts in its place. */
const launcherName = 'AGENT_SERVICE_LAUNCHER';
/** The variable by which `dev` tells its program that it ends it. */
const devName = 'AGENT_SERVICE_DEV';

/** The environment of the program of `dev`, which `dev` ends by a signal. */
export const devEnvironment: Readonly<Record<string, string>> = { [devName]: '1' };

/** Variables that package managers set for what they start: npm, npx, pnpm, yarn and bun. */
const npmVariables = ['npm_lifecycle_event', 'npm_command', 'npm_execpath'];

const npmProgram = /(?:^|[\\/])(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|bun|bunx)(?:-cli)?(?:\.[cm]?js)?$/;
const shellProgram = /(?:^|[\\/]|^-)(?:sh|ash|dash|bash|zsh|ksh|fish|busybox)$/;
const tsxProgram = /[\\/]tsx(?:[\\/]dist[\\/]cli\.[cm]js)?$/;

/** Whether a process is a package manager: by its title, or by the script that its Node runs. */
const isNpm = ({ words }: ProcessEntry): boolean => words.slice(0, 2).some((word) => npmProgram.test(word));
const isTsx = ({ words }: ProcessEntry): boolean => words.slice(0, 2).some((word) => tsxProgram.test(word));

const isShell = ({ words: [program = ''] }: ProcessEntry): boolean => shellProgram.test(program);
const isCommandShell = (entry: ProcessEntry): boolean => isShell(entry) && entry.words.includes('-c');
/** Whether a text for a shell leaves something in the background; `&&` and redirections such as `2>&1` do not. */
const leavesInBackground = ({ words }: ProcessEntry): boolean =>
  words
    .join(' ')
    .replace(/&&|[<>|]&|&>/g, '')
    .includes('&');
/** Whether a process is a shell that ends only after the commands it was given, unless a signal ends it. */
const waits = (entry: ProcessEntry): boolean => isCommandShell(entry) && !leavesInBackground(entry);
/** Whether a process is a shell that may be left, by the person who types into it or by its commands, to have a service go on. */
const isLeft = (entry: ProcessEntry): boolean =>
  isCommandShell(entry)
    ? leavesInBackground(entry)
    : isShell(entry) && entry.words.slice(1).every((word) => word.startsWith('-'));

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process ids of what stands between this process and those who started it, from its parent on: our own launcher,
 * tsx, a shell that runs a command, and the npm of `npx agent-service` or of a package script. Empty where a signal needs
 * no help, as under a terminal, a service manager or a container runtime.
 */
export function findParents(environment: Environment, ancestors: readonly ProcessEntry[]): number[] {
  if (environment[devName] !== undefined) return [];
  const hasNpm = npmVariables.some((name) => environment[name] !== undefined);
  const passesOn = (entry: ProcessEntry) =>
    `${entry.pid}` === environment[launcherName] || isTsx(entry) || waits(entry) || (hasNpm && isNpm(entry));
  // Between npm and this process may be any programs, such as one that sets variables.
  const nearest = hasNpm ? ancestors.find((entry) => isNpm(entry) || isLeft(entry)) : undefined;
  let count = nearest !== undefined && isNpm(nearest) ? ancestors.indexOf(nearest) + 1 : 0;
  for (let next = ancestors[count]; next !== undefined && passesOn(next); next = ancestors[count]) count += 1;
  return ancestors.slice(0, count).map(({ pid }) => pid);
}

/**
 * Whether process 1 of this container is a shell with a command, or npm: the kernel keeps SIGTERM from a shell that is
 * process 1, and ends everything at once when npm ends. Neither can be noticed here.
 */
export const isSignalLost = (ancestors: readonly ProcessEntry[]): boolean =>
  ancestors.some((entry) => entry.pid === 1 && (isCommandShell(entry) || isNpm(entry)));

/** Found when the program begins to load, so that the end of an npm before it serves is noticed too. */
const ancestors = process.platform === 'win32' ? [] : readAncestors();
const parents = findParents(process.env, ancestors);

/** Whether signals to the container of this process are lost: see `isSignalLost`. */
export const losesSignals = (): boolean => isSignalLost(ancestors);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Whether each of the processes is still the parent of the one before it. */
function areAlive(): boolean {
  if (process.ppid !== parents[0]) return false;
  if (process.platform !== 'linux') return parents.every(isAlive);
  return parents.slice(1).every((pid, at) => parentOnLinux(parents[at] as number) === pid);
}

/** Whether this process may get one signal twice: from the terminal, and from npm or the launcher that forwards it. */
export const hasForwardingParents = (): boolean => parents.length > 0;

/**
 * Calls `onEnd` once when one of these processes has ended before this one. npm forwards a signal to its shell alone, and a
 * shell forwards none: nobody else would tell this process.
 */
export function onParentsEnd(onEnd: () => void): void {
  if (parents.length === 0) return;
  const timer = setInterval(() => {
    if (areAlive()) return;
    clearInterval(timer);
    onEnd();
  }, checkMs).unref();
}
