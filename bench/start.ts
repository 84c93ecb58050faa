/**
 * How fast the compiled service is healthy, and what it holds in memory when idle, against a bare server around the
 * SDK, started in turn in the same run: `npm run bench:start [rounds]`. Build first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

type Sample = { healthyMs: number; idleMib: number };

/** Memory is read when this long nothing has happened, in ms. */
const settleMs = 2_000;
const root = join(import.meta.dirname, '..');
const rounds = Number(process.argv[2] ?? 5);

const residentMib = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

async function urlOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url) return url;
  }
  throw new Error('The server ended before it listened.');
}

async function measure(args: string[], env: Record<string, string>): Promise<Sample> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await urlOf(child);
  await (await fetch(`${url}/healthz`)).text();
  const healthyMs = performance.now() - startedMs;
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const idleMib = residentMib(child.pid as number);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { healthyMs, idleMib };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-bench-'));
const service = {
  args: ['bin/agent-service.mjs', 'start', 'dist/examples/support-desk/main.js'],
  samples: [] as Sample[],
};
const bare = { args: ['bench/bare-server.ts'], samples: [] as Sample[] };
const env = { APP_ENV: 'test', HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', DATA_DIR: dataDir, OPENAI_API_KEY: '' };

for (let round = 0; round < rounds; round += 1) {
  for (const { args, samples } of [service, bare]) samples.push(await measure(args, env));
}
rmSync(dataDir, { recursive: true });

const report = Object.fromEntries(
  Object.entries({ service, bare }).map(([name, { samples }]) => [
    name,
    {
      'healthy, ms': Math.round(median(samples.map(({ healthyMs }) => healthyMs))),
      'idle, MiB': Math.round(median(samples.map(({ idleMib }) => idleMib))),
    },
  ]),
);
// biome-ignore lint/suspicious/noConsole: the result is for the person who asked
console.table(report);
