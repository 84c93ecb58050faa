import type { Settings } from '../platform/settings/settings.ts';
import type { SettingName } from '../platform/settings/settings-table.ts';
import type { InspectProviderOptions, ProviderFacts } from '../providers/index.ts';
import type { ClockSample, EmbeddedFacts, PostgresFacts } from '../storage/port/index.ts';
import { type CheckName, checkTable } from './checks.ts';
import { judgeClocks } from './clocks.ts';
import { type Configuration, checkConfiguration } from './configuration.ts';
import { within } from './deadline.ts';
import { type DiskFacts, judgeDisk } from './disk.ts';
import { type Integrity, judgeEmbedded } from './embedded.ts';
import { type Finding, ok, skipped } from './finding.ts';
import { judgePostgres, unusablePostgres } from './postgres.ts';
import { judgeProvider } from './provider.ts';

/** Those who look at what the service stands on. What they find is judged here. */
export type Inspectors = {
  provider(openai: Settings['openai'], limits: InspectProviderOptions, signal: AbortSignal): Promise<ProviderFacts>;
  /** Rejects with an error that has a message for people, and a cause that may have a code. */
  postgres(urls: { url: string; directUrl: string }, signal: AbortSignal): Promise<PostgresFacts>;
  embedded(dataDir: string, signal: AbortSignal): Promise<EmbeddedFacts>;
  integrity(dataDir: string, signal: AbortSignal): Promise<Integrity>;
  disk(dataDir: string): Promise<DiskFacts>;
};

/** What is looked at. */
export type ExaminationOptions = {
  environment: Readonly<Record<string, string | undefined>>;
  /** Processes that will use the store. */
  replicas: number;
};

/** A call of a model for one word has this long at most, whatever `OPENAI_TIMEOUT` says. */
const callMs = 30_000;
const postgresMs = 20_000;
const embeddedMs = 15_000;
const integrityMs = 30_000;
const diskMs = 5_000;
/** What a look may take beside what it waits for. */
const spareMs = 2_000;

type Part = { findings: Finding[]; clock: ClockSample | null };

/** Looks at everything that the settings name, all at the same time, and says what is found, in the order of the table. */
export async function examine(
  { environment, replicas }: ExaminationOptions,
  inspectors: Inspectors,
): Promise<Finding[]> {
  const configuration = checkConfiguration(environment);
  const [provider, store, disk] = await Promise.all([
    examineProvider(configuration, inspectors),
    examineStore(configuration, inspectors, replicas),
    examineDisk(configuration, inspectors),
  ]);
  const clocks = judgeClocks([
    { of: 'Postgres', sample: store.clock },
    { of: 'the provider', sample: provider.clock },
  ]);
  const order = Object.keys(checkTable);
  return [...configuration.findings, ...provider.findings, ...store.findings, ...clocks, ...disk].sort(
    (one, other) => order.indexOf(one.check) - order.indexOf(other.check),
  );
}

const withoutClock = (findings: Finding[]): Part => ({ findings, clock: null });
const skipAll = (checks: readonly CheckName[], why: string): Finding[] => checks.map((check) => skipped(check, why));

/** Says that checks cannot be made, where a setting that they depend on has a mistake. */
function skipBroken({ isBroken }: Configuration, checks: readonly CheckName[], names: SettingName[]): Finding[] | null {
  const broken = names.filter((name) => isBroken(name));
  return broken.length === 0 ? null : skipAll(checks, `${broken.join(', ')} has a mistake, see above.`);
}

async function examineProvider(configuration: Configuration, inspectors: Inspectors): Promise<Part> {
  const checks = ['provider', 'model', 'quota'] as const;
  const broken = skipBroken(configuration, checks, ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'OPENAI_API']);
  if (broken !== null) return withoutClock(broken);
  const { settings } = configuration;
  if (settings.simulated) {
    const why = 'A simulated model answers in development without a key.';
    return withoutClock([ok('provider', why), ...skipAll(['model', 'quota'], why)]);
  }
  const limits = { modelsMs: settings.healthCheckTimeoutMs, callMs: Math.min(settings.runTimeoutMs, callMs) };
  return within(limits.modelsMs + limits.callMs + spareMs, checks, withoutClock, async (signal) => {
    const facts = await inspectors.provider(settings.openai, limits, signal);
    return {
      findings: judgeProvider(facts, settings),
      clock: facts.models.reached ? facts.models.clock : null,
    };
  });
}

async function examineStore(configuration: Configuration, inspectors: Inspectors, replicas: number): Promise<Part> {
  const checks = ['store', 'schema', 'pooler', 'connections'] as const;
  const names = ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_POOL_MAX', 'DATA_DIR'] as const;
  const broken = skipBroken(configuration, checks, [...names]);
  if (broken !== null) return withoutClock(broken);
  const { settings } = configuration;
  const { databaseUrl: url, databaseDirectUrl, dataDir } = settings.store;
  if (url === undefined) {
    const integrity = inspectors.integrity(dataDir, AbortSignal.timeout(integrityMs));
    return within(embeddedMs + integrityMs, checks, withoutClock, async (signal) => {
      const facts = await inspectors.embedded(dataDir, AbortSignal.any([signal, AbortSignal.timeout(embeddedMs)]));
      return withoutClock(judgeEmbedded(facts, await integrity, dataDir, replicas));
    });
  }
  return within(postgresMs, checks, withoutClock, async (signal) => {
    try {
      const facts = await inspectors.postgres({ url, directUrl: databaseDirectUrl ?? url }, signal);
      return { findings: judgePostgres(facts, settings, replicas), clock: facts.clock };
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

async function examineDisk(configuration: Configuration, inspectors: Inspectors): Promise<Finding[]> {
  const broken = skipBroken(configuration, ['disk'], ['DATABASE_URL', 'DATA_DIR']);
  if (broken !== null) return broken;
  const { databaseUrl, dataDir } = configuration.settings.store;
  if (databaseUrl !== undefined) return [skipped('disk', 'Everything is stored in Postgres.')];
  return within(
    diskMs,
    ['disk'],
    (findings) => findings,
    async () => [judgeDisk(await inspectors.disk(dataDir))],
  );
}
