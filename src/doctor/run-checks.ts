import { postgresVariables } from '../platform/postgres-parameters.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { InspectProviderOptions, ProviderFacts } from '../providers/index.ts';
import type { ClockSample, EmbeddedFacts, PostgresFacts } from '../storage/port/index.ts';
import { type CheckName, checkTable } from './checks.ts';
import { assessClocks } from './clocks.ts';
import { type Configuration, checkConfiguration } from './configuration.ts';
import { withDeadline } from './deadline.ts';
import { assessDisk, type DiskFacts } from './disk.ts';
import { assessEmbedded, type Integrity } from './embedded.ts';
import { type Finding, ok, skipped } from './finding.ts';
import { assessPostgres, unusablePostgres } from './postgres.ts';
import { assessProvider } from './provider.ts';
import { assessStoreEnvironment } from './store-environment.ts';

/** Collect facts about the dependencies of the service; the checks assess the facts. */
export type FactCollectors = {
  provider(
    settings: Pick<Settings, 'openai' | 'proxies'>,
    limits: InspectProviderOptions,
    signal: AbortSignal,
  ): Promise<ProviderFacts>;
  /** Rejects with an error whose message is for the operator, and whose cause may have a code. */
  postgres(urls: { url: string; directUrl: string }, signal: AbortSignal): Promise<PostgresFacts>;
  embedded(dataDir: string, signal: AbortSignal): Promise<EmbeddedFacts>;
  integrity(dataDir: string, signal: AbortSignal): Promise<Integrity>;
  disk(dataDir: string): Promise<DiskFacts>;
};

/** The environment to check, and how the store will be used. */
export type RunChecksOptions = {
  environment: Readonly<Record<string, string | undefined>>;
  /** The number of processes that will use the store. */
  replicas: number;
};

/** The time limit of the model call for one word, in ms, even if `OPENAI_TIMEOUT` is longer. */
const callMs = 30_000;
const postgresMs = 20_000;
const embeddedMs = 15_000;
const integrityMs = 30_000;
const diskMs = 5_000;
/** The time a check may take besides its requests, in ms. */
const spareMs = 2_000;

type CheckResult = { findings: Finding[]; clock: ClockSample | null };

/** Checks everything that the settings name, concurrently. The findings are in the order of `checkTable`. */
export async function runChecks(
  { environment, replicas }: RunChecksOptions,
  collectors: FactCollectors,
): Promise<Finding[]> {
  const configuration = checkConfiguration(environment);
  const [provider, store, disk] = await Promise.all([
    checkProvider(configuration, collectors),
    checkStore(configuration, collectors, replicas),
    checkDisk(configuration, collectors),
  ]);
  const clocks = assessClocks([
    { of: 'Postgres', sample: store.clock },
    { of: 'the provider', sample: provider.clock },
  ]);
  const order = Object.keys(checkTable);
  return [...configuration.findings, ...provider.findings, ...store.findings, ...clocks, ...disk].sort(
    (one, other) => order.indexOf(one.check) - order.indexOf(other.check),
  );
}

const withoutClock = (findings: Finding[]): CheckResult => ({ findings, clock: null });
const skipAll = (checks: readonly CheckName[], why: string): Finding[] => checks.map((check) => skipped(check, why));

/** Skips checks that depend on a setting with a mistake; null if the settings have none. */
function skipForMistakes(
  { isBroken }: Configuration,
  checks: readonly CheckName[],
  names: readonly string[],
): Finding[] | null {
  const broken = names.filter((name) => isBroken(name));
  return broken.length === 0 ? null : skipAll(checks, `${broken.join(', ')} has a mistake, see above.`);
}

async function checkProvider(configuration: Configuration, collectors: FactCollectors): Promise<CheckResult> {
  const checks = ['provider', 'model', 'quota'] as const;
  const broken = skipForMistakes(configuration, checks, [
    'OPENAI_API_KEY',
    'OPENAI_BASE_URL',
    'OPENAI_MODEL',
    'OPENAI_API',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
  ]);
  if (broken !== null) return withoutClock(broken);
  const { settings } = configuration;
  if (settings.simulated) {
    const why = 'A simulated model answers in development without a key.';
    return withoutClock([ok('provider', why), ...skipAll(['model', 'quota'], why)]);
  }
  const limits = { modelsMs: settings.healthCheckTimeoutMs, callMs: Math.min(settings.runTimeoutMs, callMs) };
  return withDeadline(limits.modelsMs + limits.callMs + spareMs, checks, withoutClock, async (signal) => {
    const facts = await collectors.provider(settings, limits, signal);
    return {
      findings: assessProvider(facts, settings),
      clock: facts.models.reached ? facts.models.clock : null,
    };
  });
}

async function checkStore(
  configuration: Configuration,
  collectors: FactCollectors,
  replicas: number,
): Promise<CheckResult> {
  const checks = ['store', 'schema', 'pooler', 'connections'] as const;
  const names = ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_POOL_MAX', 'DATA_DIR', ...postgresVariables.values()];
  const broken = skipForMistakes(configuration, checks, names);
  if (broken !== null) return withoutClock(broken);
  const { settings } = configuration;
  const { databaseUrl: url, databaseDirectUrl, dataDir } = settings.store;
  if (url === undefined) {
    const integrity = collectors.integrity(dataDir, AbortSignal.timeout(integrityMs));
    return withDeadline(embeddedMs + integrityMs, checks, withoutClock, async (signal) => {
      const facts = await collectors.embedded(dataDir, AbortSignal.any([signal, AbortSignal.timeout(embeddedMs)]));
      const findings = assessEmbedded(facts, await integrity, dataDir, replicas);
      return withoutClock([...findings, ...assessStoreEnvironment(facts.stamp, settings)]);
    });
  }
  return withDeadline(postgresMs, checks, withoutClock, async (signal) => {
    try {
      const facts = await collectors.postgres({ url, directUrl: databaseDirectUrl ?? url }, signal);
      const findings = assessPostgres(facts, settings, replicas);
      return { findings: [...findings, ...assessStoreEnvironment(facts.stamp, settings)], clock: facts.clock };
    } catch (error) {
      const [first, ...rest] = [unusable(error), ...skipAll(checks.slice(1), 'The store cannot be used, see above.')];
      return withoutClock([first, ...rest]);
    }
  });
}

function unusable(error: unknown): Finding {
  if (!(error instanceof Error)) return unusablePostgres(String(error), null);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
  return unusablePostgres(error.message, code);
}

async function checkDisk(configuration: Configuration, collectors: FactCollectors): Promise<Finding[]> {
  const broken = skipForMistakes(configuration, ['disk'], ['DATABASE_URL', 'DATA_DIR']);
  if (broken !== null) return broken;
  const { databaseUrl, dataDir } = configuration.settings.store;
  if (databaseUrl !== undefined) return [skipped('disk', 'Everything is stored in Postgres.')];
  return withDeadline(
    diskMs,
    ['disk'],
    (findings) => findings,
    async () => [assessDisk(await collectors.disk(dataDir))],
  );
}
