/**
 * The built service as a process of its own, for tests over HTTP.
 *
 *   await using provider = await startFakeProvider();
 *   await using service = await startService({ provider });
 *   const { status, body } = await service.post('/api/v1/run', { message: 'Hi' });
 */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { killGroup, spawnProcess } from './child-processes.ts';
import type { FakeProvider } from './fake-provider.ts';
import { firstProcess, imageCommand, imageUnderTest, inVolume } from './image/image-process.ts';
import { waitMsMax } from './limits.ts';
import { createConformityCheck } from './openapi-conformity.ts';

const ownRoot = fileURLToPath(new URL('../../', import.meta.url));
/** Lines of a service's log that are kept. */
const logLinesMax = 10_000;

export type LogLine = Record<string, unknown> & { level?: string; msg?: string };

export type ServiceOptions = {
  /** The folder of the repository, built. Defaults to this one; for another version of it. */
  root?: string;
  /** The program, relative to the repository. Defaults to the agents of `apps/desk.ts`. */
  app?: string;
  /** Answers the models. Defaults to none: the simulated model. */
  provider?: FakeProvider;
  /** Added to the environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** The folder of the embedded store. Defaults to a new one, which is removed with the service. */
  dataDir?: string;
};

/** An answer, with its body read. */
export type Answer = { status: number; headers: Headers; body: Record<string, unknown>; text: string };

/** A running service. */
export type ServiceUnderTest = {
  /** Empty where it takes no requests. */
  readonly url: string;
  readonly probeUrl: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Sends a request; a JSON answer must conform to the OpenAPI document. */
  request(path: string, init?: RequestInit): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Resolves with the first line of the log, now or later, for which the predicate holds. */
  logged(predicate: (line: LogLine) => boolean): Promise<LogLine>;
  logLines(): readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended the process. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Resolves when that process and all workers that it had started have ended. */
  readonly allExited: Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

function environment({ provider, env, dataDir }: ServiceOptions & { dataDir: string }): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    APP_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    // One process: what a test does to it is done to the service.
    WEB_CONCURRENCY: '1',
    DATA_DIR: dataDir,
    RATE_LIMIT_RPM: '1000000',
    RATE_LIMIT_BURST: '1000000',
    EVENT_LOOP_DELAY_MAX: '60', // of a busy machine no test fails
    ...(provider ? { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: 'sk-test', OPENAI_API: 'responses' } : {}),
    ...env,
  };
}

/** Reads a process's log and lets tests wait for lines of it. */
function followLog(child: ChildProcess) {
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const errors: string[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
    const line = parse(text);
    if (lines.length < logLinesMax) lines.push(line);
    for (const listener of listeners) listener(line);
  });
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));

  function logged(predicate: (line: LogLine) => boolean): Promise<LogLine> {
    const past = lines.find(predicate);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        listeners.delete(listen);
        reject(new Error(`${why}; the log ends with ${JSON.stringify(lines.slice(-5))} ${errors.join('')}`));
      };
      const listen = (line: LogLine) => {
        if (!predicate(line)) return;
        listeners.delete(listen);
        resolve(line);
      };
      listeners.add(listen);
      const limit = AbortSignal.timeout(waitMsMax);
      limit.addEventListener('abort', () => listeners.has(listen) && fail('The log line did not come'));
      child.once('exit', (code) => listeners.has(listen) && fail(`The service ended with code ${code}`));
    });
  }
  return { logged, lines: () => lines, errors: () => errors.join('') };
}

function parse(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text };
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : {}, text };
}

/** Runs the command-line tool to its end. */
export async function runCli(args: string[], env: Record<string, string | undefined> = {}, cwd = ownRoot) {
  const child = spawnProcess(process.execPath, [join(ownRoot, 'bin/agent-service.mjs'), ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

/** Starts the built service's process, or that of the image where that is under test. */
function startProcess(options: ServiceOptions & { dataDir: string }): { child: ChildProcess; pid(): number } {
  const { root = ownRoot, app = 'tests/support/apps/desk.ts', dataDir } = options;
  const image = imageUnderTest();
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  if (image) {
    const { PATH, HOME, ...given } = environment(options); // these are the image's own
    const { program, env } = imageCommand(image, { args: ['start', app], env: inVolume(given, dataDir), dataDir });
    const child = spawnProcess(program[0], program.slice(1), { env, stdio });
    return { child, pid: () => firstProcess(child.pid ?? 0) };
  }
  const args = [join(root, 'bin/agent-service.mjs'), 'start', app];
  const child = spawnProcess(process.execPath, args, { cwd: root, env: environment(options), stdio });
  return { child, pid: () => child.pid ?? 0 };
}

/** Sends a signal to a process; one that is dead already has no need of it. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Starts the built service and waits until it accepts requests; it is killed when the test ends. */
export async function startService(options: ServiceOptions = {}): Promise<ServiceUnderTest> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'agent-service-test-'));
  const { child, pid: findPid } = startProcess({ ...options, dataDir });
  let killed = false;
  const exited = once(child, 'exit').then(([code, signal]): number | NodeJS.Signals =>
    // What starts the image's process may end with a code where that was killed: unshare of util-linux 2.38 does.
    killed ? 'SIGKILL' : (code ?? signal),
  );
  // Workers write to the same output: it is closed by the end of the last of them.
  let isOver = false;
  const allExited = once(child, 'close').then(() => {
    isOver = true;
  });
  const log = followLog(child);
  const started = await log.logged(({ msg }) => msg === 'accepting requests' || msg === 'executing runs');
  const { url, probeUrl } = started as LogLine & { url: string | null; probeUrl: string };
  const pid = findPid();
  const check = createConformityCheck(`${url}/openapi.json`);

  async function request(path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await readAnswer(await fetch(url + path, init));
    await check({ method: init.method ?? 'GET', path, answer });
    return answer;
  }

  return {
    url: url ?? '',
    probeUrl,
    pid,
    dataDir,
    request,
    get: (path, headers) => request(path, { headers }),
    post: (path, body, headers) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    logged: log.logged,
    logLines: log.lines,
    kill(signal) {
      send(pid, signal);
      killed ||= signal === 'SIGKILL';
    },
    exited,
    allExited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) send(pid, 'SIGKILL');
      await exited;
      if (!isOver) killGroup(child); // workers whose primary process has ended
      await allExited;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
