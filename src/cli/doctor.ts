import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  checkRunningService,
  type DiskFacts,
  exitCodeOf,
  type FactCollectors,
  type Finding,
  failed,
  type Integrity,
  jsonReport,
  runChecks,
  textReport,
  withoutSecrets,
} from '../doctor/index.ts';
import { packageVersion } from '../platform/versions.ts';
import { EnvFileError } from '../process/env-file.ts';
import { type Environment, processEnvironment, readEnvironment } from '../process/environment.ts';
import type { EmbeddedFacts } from '../storage/port/index.ts';
import { inspectPostgres } from '../storage/postgres/index.ts';
import { checkIntegrity, inspectEmbedded, nearestFolder } from '../storage/sqlite/index.ts';

/** The options of `agent-service doctor`. */
export type DoctorOptions = {
  /** The number of processes that will use the store. */
  replicas: number;
  /** Checks a running service over HTTP instead. */
  url?: string;
  /** With `url`: makes one run, with the key in `ADMIN_API_KEY`. */
  run?: true;
  /** Prints the report for programs. */
  json?: true;
  /** Warnings count as failures. */
  strict?: true;
  /** For the child process: inspects an embedded store and prints the result as JSON. */
  look?: EmbeddedInspection;
  /** With `look`: the folder. */
  folder?: string;
};

const inspections = { facts: inspectEmbedded, integrity: checkIntegrity };

/** The inspections that run in a child process, since SQLite and slow disks block the process that waits for them. */
export type EmbeddedInspection = keyof typeof inspections;

/** The time limit of a run, in ms. The service answers earlier, by `OPENAI_TIMEOUT`. */
const runMs = 120_000;
/** How long open handles, such as an abandoned request, may keep the process alive, in ms. */
const exitDelayMs = 1_000;

/** Reports what is wrong with a service or with its dependencies, and what to do about it. */
export async function doctor(options: DoctorOptions): Promise<void> {
  if (options.look !== undefined)
    return void process.stdout.write(JSON.stringify(inspections[options.look](options.folder ?? '')));
  const { environment, findings: mistakes } = tryReadEnvironment();
  const { url, run, replicas } = options;
  const result =
    url === undefined
      ? (mistakes ?? (await runChecks({ environment, replicas }, collectors)))
      : await checkRunningService({
          url,
          run: run ? { apiKey: environment.ADMIN_API_KEY?.trim() || undefined, timeoutMs: runMs } : null,
        });
  const findings = withoutSecrets(result, environment);
  process.stdout.write(options.json ? jsonReport(findings, packageVersion()) : textReport(findings));
  process.exitCode = exitCodeOf(findings, options.strict === true);
  setTimeout(() => process.exit(), exitDelayMs).unref();
}

/** The environment; with a file that has mistakes that of the process alone, and the mistakes as findings. */
function tryReadEnvironment(): { environment: Environment; findings?: Finding[] } {
  try {
    return { environment: readEnvironment() };
  } catch (error) {
    if (!(error instanceof EnvFileError)) throw error;
    const findings = error.mistakes.map(({ problem, remedy }) => failed('configuration', problem, remedy));
    return { environment: processEnvironment(), findings };
  }
}

const collectors: FactCollectors = {
  // Loaded on demand: the SDK takes longer to load than everything else together.
  provider: async (...parameters) => (await import('../providers/index.ts')).inspectProvider(...parameters),
  postgres: inspectPostgres,
  embedded: (dataDir, signal) => inspectInChild<EmbeddedFacts>('facts', dataDir, signal),
  integrity: async (dataDir, signal): Promise<Integrity> => {
    try {
      return { broken: await inspectInChild<string | null>('integrity', dataDir, signal) };
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

/** Inspects an embedded store in a child process, which is killed when `signal` aborts. */
async function inspectInChild<T>(inspection: EmbeddedInspection, folder: string, signal: AbortSignal): Promise<T> {
  const [, program = ''] = process.argv;
  const parameters = [...process.execArgv, program, 'doctor', '--look', inspection, '--folder', folder];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { signal, killSignal: 'SIGKILL' });
  return JSON.parse(stdout) as T;
}
