import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  checkRunningService,
  type DiskFacts,
  exitCodeOf,
  type FactCollectors,
  type Integrity,
  jsonReport,
  runChecks,
  textReport,
  withoutSecrets,
} from '../doctor/index.ts';
import { packageVersion } from '../platform/versions.ts';
import { readEnvironment } from '../process/environment.ts';
import type { EmbeddedFacts } from '../storage/port/index.ts';
import { inspectPostgres } from '../storage/postgres/index.ts';
import { checkIntegrity, inspectEmbedded, nearestFolder } from '../storage/sqlite/index.ts';

/** What `agent-service doctor` is told. */
export type DoctorOptions = {
  /** Processes that will use the store. */
  replicas: number;
  /** Looks at a running service over HTTP instead. */
  url?: string;
  /** With `url`: one run, with the key in `ADMIN_API_KEY`. */
  run?: true;
  /** A report for programs. */
  json?: true;
  /** Warnings count as failures. */
  strict?: true;
  /** For the process that this one starts: looks at an embedded store, and prints what it found as JSON. */
  look?: EmbeddedLook;
  /** With `look`: the folder. */
  folder?: string;
};

const looks = { facts: inspectEmbedded, integrity: checkIntegrity };

/** What is looked at in a process of its own, since SQLite and slow disks stop the one that waits for them. */
export type EmbeddedLook = keyof typeof looks;

/** How long a run may take at most; the service answers earlier, by `OPENAI_TIMEOUT`. */
const runMs = 120_000;
/** What was left behind, such as a request that nobody waits for, must not keep the process. */
const endMs = 1_000;

/** Says what is wrong with a service, or with what it will stand on, and what to do about it. */
export async function doctor(options: DoctorOptions): Promise<void> {
  if (options.look !== undefined)
    return void process.stdout.write(JSON.stringify(looks[options.look](options.folder ?? '')));
  const environment = readEnvironment();
  const { url, run, replicas } = options;
  const found =
    url === undefined
      ? await runChecks({ environment, replicas }, collectors)
      : await checkRunningService({
          url,
          run: run ? { apiKey: environment.ADMIN_API_KEY?.trim() || undefined, timeoutMs: runMs } : null,
        });
  const findings = withoutSecrets(found, environment);
  process.stdout.write(options.json ? jsonReport(findings, packageVersion()) : textReport(findings));
  process.exitCode = exitCodeOf(findings, options.strict === true);
  setTimeout(() => process.exit(), endMs).unref();
}

const collectors: FactCollectors = {
  // Loaded where it is needed: the SDK beside it takes longer to load than all the rest.
  provider: async (...parameters) => (await import('../providers/index.ts')).inspectProvider(...parameters),
  postgres: inspectPostgres,
  embedded: (dataDir, signal) => lookApart<EmbeddedFacts>('facts', dataDir, signal),
  integrity: async (dataDir, signal): Promise<Integrity> => {
    try {
      return { broken: await lookApart<string | null>('integrity', dataDir, signal) };
    } catch (error) {
      if (signal.aborted) return 'unfinished';
      throw error;
    }
  },
  async disk(dataDir): Promise<DiskFacts> {
    const folder = nearestFolder(dataDir);
    const { bavail, bsize, ffree, files } = await statfs(folder);
    return { folder, freeBytes: bavail * bsize, filesFree: ffree, filesTotal: files };
  },
};

/** Looks at an embedded store in a process of its own, which is killed when `signal` aborts. */
async function lookApart<T>(look: EmbeddedLook, folder: string, signal: AbortSignal): Promise<T> {
  const [, program = ''] = process.argv;
  const parameters = [...process.execArgv, program, 'doctor', '--look', look, '--folder', folder];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { signal, killSignal: 'SIGKILL' });
  return JSON.parse(stdout) as T;
}
