/** What is compared: the bare server, and the built service on each of its stores; each is a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '../..');
const adminKey = 'bench-admin-key-0123456789';
/** A server that did not end by then is killed, in ms. */
const stopMs = 15_000;

/** The names of what is compared. */
export const sideNames = ['bare', 'embedded', 'postgres'] as const;
/** The name of one of them. */
export type SideName = (typeof sideNames)[number];

/** How to talk to one of them. */
export type Protocol = {
  paths: { blocking: string; streamed: string };
  headers: Record<string, string>;
  /** With these a streamed answer tells its first token, and that it came to its end. */
  marks: { token: string; end: string };
};

const bareProtocol: Protocol = {
  paths: { blocking: '/run', streamed: '/run/stream' },
  headers: {},
  marks: { token: 'event: delta', end: 'event: done' },
};

const serviceProtocol: Protocol = {
  paths: { blocking: '/api/v1/run', streamed: '/api/v1/run/stream' },
  headers: { authorization: `Bearer ${adminKey}` },
  marks: { token: 'event: text.delta', end: 'event: run.completed' },
};

/** A child process that listens. */
export type Server = { url: string; pid: number; child: ChildProcess; stop(): Promise<void> };

/** One of the sides, ready for requests. */
export type Side = Server & { name: SideName; protocol: Protocol };

/** Where a side finds what it needs. */
export type SideOptions = {
  providerUrl: string;
  /** Of a database for the service alone; needed for `postgres`. */
  databaseUrl?: string;
  /** Arguments for Node itself, before the program. Defaults to none. */
  nodeArgs?: string[];
  /** Whether it is to be spoken to by `child.send`. Defaults to not. */
  ipc?: boolean;
};

/** Starts a program and waits for the line in which it says its address. */
export async function startServer(args: string[], env: Record<string, string>, ipc = false): Promise<Server> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit', ...(ipc ? ['ipc' as const] : [])],
  });
  const url = await urlOf(child);
  child.stdout?.on('data', () => {}); // its log is read, as in production
  return { url, pid: child.pid as number, child, stop: () => stop(child) };
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      const url = line.startsWith('{') ? (JSON.parse(line) as { url?: string }).url : undefined;
      if (url === undefined) return;
      lines.close();
      child.stdout?.resume();
      resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`A server ended with code ${code} before it listened.`)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await ended;
  clearTimeout(late);
}

/** The lean provider. */
export const startProvider = (): Promise<Server> => startServer(['bench/cost/provider.ts'], {});

/** Starts one side, as its operator would in production. */
export async function startSide(name: SideName, options: SideOptions): Promise<Side> {
  const { providerUrl, databaseUrl, nodeArgs = [], ipc } = options;
  const env = { OPENAI_BASE_URL: `${providerUrl}/v1`, OPENAI_API_KEY: 'sk-bench-0123456789' };
  if (name === 'bare') {
    const server = await startServer([...nodeArgs, 'bench/bare-server.ts'], env, ipc);
    return { ...server, name, protocol: bareProtocol };
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-bench-'));
  const store: Record<string, string> =
    name === 'postgres' ? { DATABASE_URL: databaseUrl as string } : { EMBEDDED_SYNC: 'full' };
  const args = [...nodeArgs, 'bin/agent-service.mjs', 'start', 'bench/cost/service.ts'];
  const server = await startServer(args, { ...serviceEnv, ...env, ...store, DATA_DIR: dataDir }, ipc);
  const stopAndRemove = () => server.stop().finally(() => rmSync(dataDir, { recursive: true, force: true }));
  return { ...server, name, protocol: serviceProtocol, stop: stopAndRemove };
}

// Limits are out of the way: they are not what is measured.
const serviceEnv = {
  APP_ENV: 'production',
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  WEB_CONCURRENCY: '1',
  OPENAI_API: 'responses',
  ADMIN_API_KEY: adminKey,
  RATE_LIMIT_RPM: '1000000',
  RATE_LIMIT_BURST: '1000000',
  MAX_CONCURRENT_RUNS: '100',
};
