import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { effectsIn } from '../support/effects-file.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { runLoad } from '../support/load/load.ts';
import type { LoadReport } from '../support/load/report.ts';
import { createTargets } from '../support/load/targets.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { createModelRequests } from './checker/model-requests.ts';
import { check, readStore, type Stored } from './checker.ts';

/** Runs in one go; loads follow each other while something is done to the database. */
const runsPerLoad = 8;
/** So many goes at most: what is done to the database ends long before. */
const loadsMax = 500;

/** Services on one database that are put under load. */
export type WorldOptions = {
  /** The database as each of the services reaches it. */
  urls: readonly string[];
  /** The database as the test reaches it. */
  databaseUrl: string;
  /** `RUN_LEASE`, in seconds. */
  lease: number;
  /** Decides about the runs of the loads. */
  seed: number;
  clients?: number;
};

/** What is left of a load after its services have stopped. */
export type Judgement = {
  stored: Stored;
  /** Promises that were broken, in words. */
  broken: string[];
  /** What clients were told that was no answer, such as `503 store_unavailable`, without repetition. */
  errors: string[];
};

const messages = (service: ServiceUnderTest) => service.logLines().map(({ msg }) => msg);

/** How many bytes of a process are in memory (proc(5), `VmRSS`). */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** Resolves when the service has logged this so many times more than it had when asked. */
export async function loggedAgain(service: ServiceUnderTest, msg: string, count: number): Promise<void> {
  let left = count + messages(service).filter((each) => each === msg).length;
  await service.logged((line) => {
    if (line.msg === msg) left -= 1;
    return left <= 0;
  });
}

/** Runs a statement on a connection of its own. */
export async function queryOnce(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the query says it too
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Makes an empty database on a server. */
export async function createDatabaseOn(serverUrl: string, name: string): Promise<string> {
  await queryOnce(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Starts services on a database, and what is needed to put them under load and to judge what came of it. */
export async function openWorld({ urls, databaseUrl, lease, seed, clients }: WorldOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-outage-'));
  const effectsFile = join(folder, 'effects.log');
  const provider = await startFakeProvider({ freshIds: true });
  const requests = createModelRequests(provider);
  const start = (url: string) =>
    startService({
      provider,
      app: 'tests/support/apps/failpoints.ts',
      dataDir: folder,
      env: { DATABASE_URL: url, EFFECTS_FILE: effectsFile, RUN_LEASE: `${lease}`, OPENAI_TIMEOUT: '300' },
    });
  const services: ServiceUnderTest[] = [];
  for (const url of urls) services.push(await start(url)); // the first one migrates
  const targets = createTargets(services.map(({ url }) => url));
  const reports: LoadReport[] = [];
  const watchers = new Set<() => void>();

  const onEvent = () => {
    for (const tell of watchers) tell();
  };

  async function load(runs: number): Promise<LoadReport> {
    const number = seed + reports.length;
    const report = await runLoad({ targets, effectsFile, runs, clients, seed: number, onEvent });
    reports.push(report);
    await requests.collect();
    return report;
  }

  async function stop(): Promise<void> {
    await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
  }

  return {
    services,
    provider,
    start,
    load,

    /** Resolves when clients have seen so many events more. */
    seen(count: number): Promise<void> {
      let left = count;
      return new Promise((resolve) => {
        const tell = () => {
          left -= 1;
          if (left > 0) return;
          watchers.delete(tell);
          resolve();
        };
        watchers.add(tell);
      });
    },

    /** Does something while clients ask for runs, and waits until they have all been brought to their end. */
    async underLoad(work: () => Promise<void>, runs = runsPerLoad): Promise<void> {
      let isOver = false;
      const loading = (async () => {
        for (let n = 0; n < loadsMax && (n === 0 || !isOver); n += 1) await load(runs);
      })();
      const worked = work().finally(() => {
        isOver = true;
      });
      await Promise.all([worked, loading]);
    },

    /** How often any of the services has logged this. */
    logged: (msg: string): number => services.flatMap(messages).filter((each) => each === msg).length,

    /** Runs that no process executed and that went back into the queue: the answer of the store was lost. */
    handedBack: (): string[] =>
      services
        .flatMap((service) => service.logLines())
        .filter(({ msg }) => msg === 'a run of this process that nobody executed was handed back')
        .map(({ runId }) => String(runId)),

    /** Ends the services and compares the database with what clients, tools and the provider saw. */
    async judge(): Promise<Judgement> {
      await stop();
      const stored = await readStore({ databaseUrl });
      const runs = reports.flatMap((report) => report.runs);
      const evidence = { runs, effects: effectsIn(effectsFile), modelRequests: requests.counts };
      return {
        stored,
        broken: [...check(stored, evidence), ...reports.flatMap(({ violations }) => violations)],
        errors: [...new Set(reports.flatMap(({ errors }) => errors).map(({ status, code }) => `${status} ${code}`))],
      };
    },

    async [Symbol.asyncDispose]() {
      await stop();
      await provider[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Services under load. */
export type World = Awaited<ReturnType<typeof openWorld>>;
