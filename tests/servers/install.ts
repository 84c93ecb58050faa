/** Where and how model servers are installed: outside of the repository, each version in a folder of its own. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../support/child-processes.ts';

/** How long fetching a package with all that it needs may take, in ms. */
const fetchMsMax = 300_000;

/** How long installing from what was fetched may take, in ms. */
const installMsMax = 300_000;

/** How long compiling a server may take, in ms. */
const compileMsMax = 2_700_000;

/** How often a step that goes on is reported, in ms. */
const reportMs = 15_000;

/** Is told what is going on. */
export type Tell = (line: string) => void;

/** A package that its registry did not give. Nothing follows from that about the server in it. */
export class NotFetchedError extends Error {}

/** The folder of all installed servers; `SERVERS_DIR` sets another. */
export const cacheFolder = (env: NodeJS.ProcessEnv): string =>
  env.SERVERS_DIR ?? join(homedir(), '.cache/agent-service/servers');

/** Fills a folder once. Where it was interrupted, it begins again with an empty one. */
export async function onceIn(folder: string, action: () => Promise<void>): Promise<void> {
  const mark = join(folder, 'installed');
  if (existsSync(mark)) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await action();
  writeFileSync(mark, '');
}

/** One step of an installation. */
export type Step = {
  /** In words, such as `fetching ollama`. */
  what: string;
  program: string;
  args: string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
};

const lastLineOf = (text: string): string =>
  text
    .trimEnd()
    .split(/[\r\n]+/)
    .at(-1)
    ?.slice(0, 120) ?? '';

/** Carries out a step. While it goes on, says for how long already and what it printed last. */
async function carryOut({ what, program, args, cwd, env }: Step, timeoutMs: number, tell: Tell): Promise<void> {
  let last = '';
  let passedMs = 0;
  tell(what);
  // tidy: sleep because whoever waits for an installation wants to see that it goes on
  const report = setInterval(() => {
    passedMs += reportMs;
    tell(`${what}: ${passedMs / 1000} s, ${last}`);
  }, reportMs);
  const onOutput = (text: string) => {
    last = lastLineOf(text) || last;
  };
  try {
    await runProgram(program, args, { cwd, env: { ...process.env, ...env }, timeoutMs, onOutput });
  } finally {
    clearInterval(report);
  }
}

/** How many lines of what a program printed are shown when it fails. */
const errorLinesMax = 4;

/**
 * Fetches from a package registry.
 *
 * @param probe arguments that the program of the step knows, if it is there
 * @throws {NotFetchedError} unless it is the program that is missing
 */
export async function fetchPackages(step: Step, probe: string[], tell: Tell): Promise<void> {
  await runProgram(step.program, probe);
  try {
    await carryOut(step, fetchMsMax, tell);
  } catch (error) {
    const lines = (error as Error).message.trimEnd().split('\n');
    throw new NotFetchedError([`${step.what} failed:`, ...lines.slice(-errorLinesMax)].join('\n'));
  }
}

/**
 * Compiles a server.
 *
 * @throws {Error}
 */
export const compile = (step: Step, tell: Tell): Promise<void> => carryOut(step, compileMsMax, tell);

/** How many processes compile at once; `JOBS` sets another number. */
export const compilerJobs = (): string => process.env.JOBS ?? '2';

// With no connection, pip would try for minutes.
const pip = ['-m', 'pip', '--disable-pip-version-check', '--retries', '2', '--timeout', '30'];

/** Fetches Python packages as they are in the registry, into `folder`. */
export const fetchPython = (folder: string, name: string, args: string[], tell: Tell): Promise<void> =>
  fetchPackages(
    {
      what: `fetching ${name} from PyPI`,
      program: 'python3',
      args: [...pip, 'download', '--dest', folder, ...args],
      cwd: folder,
    },
    ['-m', 'pip', '--version'],
    tell,
  );

/** The environment in which Python sees what was installed into a folder. */
export const pythonIn = (folder: string): NodeJS.ProcessEnv => ({ PYTHONPATH: folder });

/**
 * Installs Python packages from wheels alone, without a compiler, into a folder of their own.
 *
 * @param requirements as pip takes them; by default `name`
 */
export const installWheels = (folder: string, name: string, tell: Tell, requirements = [name]): Promise<void> =>
  onceIn(folder, async () => {
    const wheels = join(folder, 'wheels');
    mkdirSync(wheels);
    await fetchPython(wheels, name, ['--only-binary', ':all:', ...requirements], tell);
    const from = ['--no-index', '--find-links', wheels];
    const args = [...pip, 'install', ...from, '--no-compile', '--target', folder, ...requirements];
    await carryOut({ what: `installing ${name}`, program: 'python3', args, cwd: folder }, installMsMax, tell);
    rmSync(wheels, { recursive: true });
  });

/** Unpacks the sources of a Python package into a folder, and returns the folder that they have there. */
export async function unpackPythonSource(folder: string, name: string, version: string, tell: Tell): Promise<string> {
  const sources = join(folder, `${name.replaceAll('-', '_')}-${version}`);
  const requirement = `${name}==${version}`;
  await fetchPython(folder, `the sources of ${requirement}`, ['--no-deps', '--no-binary', name, requirement], tell);
  await runProgram('tar', ['xzf', `${sources}.tar.gz`], { cwd: folder });
  rmSync(`${sources}.tar.gz`);
  return sources;
}
