import { type ProcessEntry, parentOnLinux, readAncestors } from './process-table.ts';

/** The interval of the check that the processes which started this one still run, in ms. */
const checkMs = 250;

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

/** Whether a process is a package manager: by its title, or by the script that its Node runs. */
const isNpm = ({ words }: ProcessEntry): boolean => words.slice(0, 2).some((word) => npmProgram.test(word));

const isShell = ({ words: [program = ''] }: ProcessEntry): boolean => shellProgram.test(program);
const runsCommand = (entry: ProcessEntry): boolean => isShell(entry) && entry.words.includes('-c');
/** Whether a process is a shell that a person types into, who may leave it and have the service go on. */
const isInteractive = (entry: ProcessEntry): boolean =>
  isShell(entry) && !runsCommand(entry) && entry.words.slice(1).every((word) => word.startsWith('-'));

/** The ancestors up to the npm that started this process, or that started that npm. Empty if none did. */
function upToNpm(ancestors: readonly ProcessEntry[]): readonly ProcessEntry[] {
  let last = ancestors.findIndex((entry) => isNpm(entry) || isInteractive(entry));
  const first = ancestors[last];
  if (first !== undefined && isInteractive(first)) return [];
  // The npm that started it has ended already, or cannot be seen: then the parent is what npm had between.
  if (first === undefined) return ancestors.slice(0, 1).filter(({ pid }) => pid !== 1);
  for (;;) {
    const [shell, outer] = ancestors.slice(last + 1);
    if (shell === undefined || outer === undefined || !runsCommand(shell) || !isNpm(outer)) break;
    last += 2;
  }
  return ancestors.slice(0, last + 1);
}

/**
 * The process ids of what stands between this process and those who started it, from its parent on: our own launcher, and
 * the shell and the npm of `npx agent-service` and of package scripts. Empty where a signal needs no help, as under a
 * shell, a service manager or a container runtime.
 */
export function findParents(
  environment: Readonly<Record<string, string | undefined>>,
  ancestors: () => readonly ProcessEntry[],
): number[] {
  if (process.platform === 'win32' || environment[devName] !== undefined) return [];
  const isLaunched = Number(environment[launcherName]) === process.ppid;
  const hasNpm = npmVariables.some((name) => environment[name] !== undefined);
  const watched = hasNpm ? upToNpm(ancestors()).map(({ pid }) => pid) : [];
  return watched.length === 0 && isLaunched ? [process.ppid] : watched;
}

/** Found when the program begins to load: an npm that ends before it serves is missed too. */
const parents = findParents(process.env, readAncestors);

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
 * Calls `onEnd` once when npm, or what npm or the launcher has put between itself and this process, has ended. npm
 * forwards a signal to its shell alone, which ends without forwarding it; nobody else would tell this process.
 */
export function onParentsEnd(onEnd: () => void): void {
  if (parents.length === 0) return;
  const timer = setInterval(() => {
    if (areAlive()) return;
    clearInterval(timer);
    onEnd();
  }, checkMs).unref();
}
