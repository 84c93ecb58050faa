import cluster from 'node:cluster';
import { tuneGarbageCollection } from '../platform/gc-tuning.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { disableSdkDefaults, setSdkDefaultModel } from '../platform/sdk-defaults.ts';
import { findMisspelledSettings } from '../platform/settings/misspelled-settings.ts';
import { parseSettings, type Settings, secretsOf } from '../platform/settings/settings.ts';
import { type Environment, environmentFilesFound, processEnvironment, readEnvironment } from './environment.ts';
import { endMs, failStart, installExit, primaryEndMs, startedIn } from './exit.ts';
import { createPrimary } from './primary.ts';
import { assertNothingIgnored } from './sdk-configuration.ts';
import { assertKnownOptions, type ServeOptions } from './serve-options.ts';
import { reportStartup } from './startup-report.ts';
import { countWorkers, joinPrimary, type PrimaryLink, type Serving } from './workers/index.ts';

/** A service that has started. */
type Started = Serving & { probeUrl: string; stop(): Promise<boolean> };

type Addressed = Pick<Started, 'url' | 'probeUrl' | 'stop'>;

/** Starts the service in this process. */
type Start = (settings: Settings, log: Logger, link: PrimaryLink | null) => Promise<Started>;

/** The API keys of the application's providers and traces, which no log line may contain. */
const keysIn = ({ providers = [], runner }: ServeOptions): (string | undefined)[] => [
  ...providers.map((each) => (typeof each === 'string' ? undefined : each.apiKey)),
  runner?.tracing?.apiKey,
];

/** The settings with what follows from the options: models of the application's providers, and its limit of turns. */
export const withOptions = (settings: Settings, { providers, runner }: ServeOptions): Settings => ({
  ...settings,
  simulated: settings.simulated && !providers?.length,
  turnsMax: runner?.maxTurns ?? settings.turnsMax,
});

/** Warns of variables that are almost called like settings. A file of settings with such a name has ended the start. */
function warnOfMisspelled(environment: Environment, log: Logger): void {
  const found = findMisspelledSettings(environment).map(({ name, intended }) => [name, intended]);
  if (found.length === 0) return;
  log.warn({ intended: Object.fromEntries(found) }, 'variables are almost called like settings, and have no effect');
}

/** Runs this process as the primary of `count` workers, which serves nothing itself. */
async function runPrimary(settings: Settings, count: number, log: Logger): Promise<Addressed> {
  const primary = await createPrimary(settings, count, log);
  const exit = installExit({
    stop: primary.stop,
    delayMs: primaryEndMs(settings),
    onForce: primary.kill,
    log,
  });
  const started = await primary.start().catch((error: unknown) => {
    if (exit.isEnding()) return new Promise<never>(() => {}); // the start was undone, and the process ends
    throw error;
  });
  reportStartup({ ...started, workers: count, files: environmentFilesFound() }, settings, log);
  return { url: started.url, probeUrl: started.probeUrl, stop: primary.stop };
}

/** Runs the service in this process, alone or as one of the workers of a primary. */
async function runService(start: Start, settings: Settings, log: Logger, link: PrimaryLink | null): Promise<Started> {
  setSdkDefaultModel(process.env, settings.openai.model);
  const starting = start(settings, log, link);
  const stop = async () => (await (await startedIn(starting))?.stop()) ?? true;
  installExit({ stop, delayMs: endMs(settings), link, log });
  const service = await starting;
  if (link === null) reportStartup({ ...service, workers: 1, files: environmentFilesFound() }, settings, log);
  else {
    log.info({ url: service.url }, 'worker started');
    await link.serving(service);
  }
  return service;
}

/** Reads the settings, and runs this process as the service or as the primary of workers. A failed start ends the process. */
export async function serveProcess(options: ServeOptions, start: Start): Promise<Addressed> {
  tuneGarbageCollection();
  let link: PrimaryLink | null = null;
  try {
    const environment = readEnvironment();
    link = joinPrimary(environment);
    assertKnownOptions(options);
    const parsed = parseSettings(environment);
    await assertNothingIgnored(parsed.openai, process.env.OPENAI_API_KEY);
    disableSdkDefaults(process.env);
    const settings = withOptions(parsed, options);
    const log = createLogger({
      level: settings.logLevel,
      appName: settings.appName,
      worker: link?.number,
      secrets: [...secretsOf(settings), ...keysIn(options)],
      readable: settings.appEnv === 'development',
    });
    if (link === null) warnOfMisspelled(processEnvironment(), log);
    const workers = countWorkers(settings);
    // In a cluster of another program, each process serves as if it were alone.
    if (cluster.isPrimary && workers > 1) return await runPrimary(settings, workers, log);
    return await runService(start, settings, log, link);
  } catch (error) {
    return failStart(error, link);
  }
}
