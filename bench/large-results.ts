/**
 * How long probes wait while a tool returns 20 MB, and while its run is read and its session goes on:
 * `npm run bench:large-results [text|rows|nested|dates|file …]`. Build first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startDatabase } from './cost/database.ts';

const root = join(import.meta.dirname, '..');
/** `TOOL_OUTPUT_MAX_BYTES`, in MiB; 16, the default of the service, refuses the results. */
const boundMib = Number(process.env.BOUND_MIB ?? 32);
/** How often a probe is sent, in ms. */
const probeMs = 20;
/** After an action, what the event loop was late by is still to arrive. */
const settleMs = 300;

type Line = { url?: string; delayMs?: number };

/** Starts a program, and calls `onLine` for each line of JSON that it prints. */
function start(args: string[], env: Record<string, string>, onLine: (line: Line) => void): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (line.startsWith('{')) onLine(JSON.parse(line) as Line);
  });
  return child;
}

async function startWithUrl(args: string[], env: Record<string, string>, onDelay: (delayMs: number) => void) {
  const found = Promise.withResolvers<string>();
  const child = start(args, env, ({ url, delayMs }) => {
    if (url) found.resolve(url);
    if (delayMs !== undefined) onDelay(delayMs);
  });
  child.once('exit', (code) => found.reject(new Error(`${args.at(-1)} ended with ${code}`)));
  return { child, url: await found.promise };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Probes `url` until it is disposed of; `worstMs` is the longest answer since it was last asked. */
function startProber(url: string) {
  let worstMs = 0;
  const timer = setInterval(async () => {
    const sentMs = performance.now();
    await fetch(`${url}/healthz`).then(
      (answer) => answer.text(),
      () => '',
    ); // a connection may be closed while idle
    worstMs = Math.max(worstMs, performance.now() - sentMs);
  }, probeMs);
  return {
    takeWorstMs() {
      const taken = Math.round(worstMs);
      worstMs = 0;
      return taken;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

type Figures = Record<string, { probe: number; loop: number; took: number }>;

/** One session: a run whose tool returns a large result, all that can be read of it, and the run after it. */
async function measureSession(url: string, what: string, takeLoopMs: () => number, mode: string): Promise<Figures> {
  using prober = startProber(url);
  const figures: Figures = {};
  const session = `${what}-${mode.replace(' ', '-')}`;
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const result = await work();
    const took = Math.round(performance.now() - startMs);
    await sleep(settleMs);
    figures[`${what}, ${mode}: ${name}`] = { probe: prober.takeWorstMs(), loop: takeLoopMs(), took };
    return result;
  };
  const call = async (path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(url + path, init);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (!response.ok && boundMib >= 32)
      throw new Error(`${path}: ${response.status} ${bytes.toString().slice(0, 300)}`);
    return bytes;
  };
  const idIn = (bytes: Buffer) => /run_[0-9a-z]{26}/.exec(bytes.toString('latin1'))?.[0] ?? '';
  const run = async (message: string) => {
    if (mode === 'waited for') return idIn(await call('/api/v1/run', { message, session_id: session }));
    if (mode === 'streamed') return idIn(await call('/api/v1/run/stream', { message, session_id: session }));
    const id = idIn(await call('/api/v1/runs', { message, session_id: session }));
    await call(`/api/v1/runs/${id}/events`);
    return id;
  };
  await step('warm', () => call('/api/v1/run', { message: 'nothing' }));
  const id = await step('run', () => run(what));
  await step('read the run', () => call(`/api/v1/runs/${id}`));
  await step('read its steps', () => call(`/api/v1/runs/${id}/steps`));
  await step('read the items', () => call(`/api/v1/sessions/${session}/items`));
  await step('next run', () => run('nothing'));
  return figures;
}

async function measure(database: Record<string, string>, kinds: readonly string[]): Promise<Figures> {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-bench-'));
  let loopMs = 0;
  const provider = await startWithUrl(['bench/large-results/provider.ts'], {}, () => {});
  const env = {
    APP_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    WEB_CONCURRENCY: '1',
    DATA_DIR: dataDir,
    OPENAI_API_KEY: 'sk-bench',
    OPENAI_BASE_URL: provider.url,
    OPENAI_TIMEOUT: '120',
    EVENT_LOOP_DELAY_MAX: '60', // no request is refused for the delay that is measured
    RATE_LIMIT_BURST: '1000',
    TOOL_OUTPUT_MAX_BYTES: String(boundMib * 1024 * 1024),
    ...database,
  };
  const service = await startWithUrl(
    [...(process.env.NODE_FLAGS?.split(' ') ?? []), 'bin/agent-service.mjs', 'start', 'bench/large-results/service.ts'],
    env,
    (delayMs) => {
      loopMs = Math.max(loopMs, delayMs);
    },
  );
  const takeLoopMs = () => {
    const taken = loopMs;
    loopMs = 0;
    return taken;
  };
  const figures: Figures = {};
  try {
    for (const what of kinds) {
      for (const mode of (process.env.MODES ?? 'waited for,streamed,background').split(',')) {
        Object.assign(figures, await measureSession(service.url, what, takeLoopMs, mode));
      }
    }
  } finally {
    await Promise.all([stop(service.child), stop(provider.child)]);
    rmSync(dataDir, { recursive: true });
  }
  return figures;
}

const kinds = process.argv.length > 2 ? process.argv.slice(2) : ['text', 'rows', 'nested', 'dates', 'file'];
function print(title: string, figures: Figures): void {
  // biome-ignore lint/suspicious/noConsole: the result is for the person who asked
  console.log(`${title}, in ms`);
  // biome-ignore lint/suspicious/noConsole: the same
  console.table(figures);
}

if (process.env.ENGINE !== 'postgres') print('SQLite', await measure({}, kinds));
if (process.env.ENGINE !== 'sqlite') {
  const database = await startDatabase('large_results', { tidied: false });
  print('Postgres', await measure({ DATABASE_URL: database.url }, kinds));
  await database.remove();
}
